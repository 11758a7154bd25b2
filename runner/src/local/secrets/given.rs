//! Values of Secrets that the command line says where to find.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use agent_plan::env::Environment;
use agent_plan::resolve::SecretNeed;
use agent_plan::secret::Secret;

use super::wanted;

/// Where a value on the command line is from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Variable(String),
}

/// A value that the command line says where to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) struct Given {
    pub(super) secret: String,
    pub(super) key: String,
    from: Place,
}

impl Given {
    /// Reads `NAME/KEY=@FILE` or `NAME/KEY=ENV:VARIABLE`.
    ///
    /// # Errors
    ///
    /// Returns a sentence that does not repeat what was given: it may be the value itself.
    pub(in crate::local) fn parse(text: &str) -> Result<Self, &'static str> {
        let expected = "expected `NAME/KEY=@FILE` or `NAME/KEY=ENV:VARIABLE`; values themselves do not belong on a command line";
        let (place, value) = text.split_once('=').ok_or(expected)?;
        let (secret, key) = place.split_once('/').ok_or(expected)?;
        let from = match (value.strip_prefix('@'), value.strip_prefix("ENV:")) {
            (Some(path), _) if !path.is_empty() => Place::File(path.into()),
            (_, Some(name)) if !name.is_empty() => Place::Variable(name.to_owned()),
            _ => return Err(expected),
        };
        if secret.is_empty() || key.is_empty() {
            return Err(expected);
        }
        Ok(Self {
            secret: secret.to_owned(),
            key: key.to_owned(),
            from,
        })
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError`] if it cannot be had.
    pub(super) fn value(&self, environment: &Environment) -> Result<Secret<Vec<u8>>, SecretError> {
        let (secret, key) = (self.secret.clone(), self.key.clone());
        let value = match &self.from {
            Place::File(path) => fs::read(path).map_err(|source| SecretError::File {
                secret,
                key,
                path: path.clone(),
                source,
            })?,
            Place::Variable(name) => match environment.raw(name) {
                Some(value) => value.as_bytes().to_vec(),
                None => {
                    return Err(SecretError::Variable {
                        secret,
                        key,
                        variable: name.clone(),
                    });
                }
            },
        };
        Ok(Secret::new(value))
    }

    /// Says that nobody needs it, and what somebody does.
    pub(in crate::local) fn complaint(&self, needs: &[SecretNeed]) -> String {
        let Self { secret, key, .. } = self;
        let mut needed: Vec<String> = needs
            .iter()
            .map(|need| format!("`{}/{}`", need.secret, wanted(need).unwrap_or("KEY")))
            .collect();
        needed.dedup();
        let needed = match needed.as_slice() {
            [] => "no Secret".to_owned(),
            all => all.join(", "),
        };
        format!("`--secret {secret}/{key}`: the run needs {needed}")
    }
}

/// Why a value that the command line names could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::local) enum SecretError {
    /// The file cannot be read.
    #[error("`{}` with the key `{key}` of the Secret `{secret}` cannot be read", path.display())]
    File {
        /// The Secret.
        secret: String,
        /// The key in it.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The variable is not set.
    #[error("the variable `{variable}` with the key `{key}` of the Secret `{secret}` is not set")]
    Variable {
        /// The Secret.
        secret: String,
        /// The key in it.
        key: String,
        /// The variable.
        variable: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_the_command_line_is_refused_and_not_repeated() {
        for text in ["a/b=hunter22", "a/b=", "a=@f", "/b=@f", "a/=@f", "hunter22"] {
            let error = Given::parse(text).expect_err("it is no place of a value");
            assert!(!error.contains("hunter22"), "{error}");
        }
        let given = Given::parse("a/b.c=@/x=y").expect("it is one");
        assert_eq!(given.from, Place::File("/x=y".into()));
    }
}
