//! As whom a connection is made.

use agent_plan::plan::{Given, Login};
use async_nats::ConnectOptions;

use super::source::{self, Unreadable};

/// Why nobody can be logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Credentials are none. What is wrong with them is not said, because it would quote them.
    #[error("{from} has no user's JWT and seed in it, as `.creds` files have")]
    Creds {
        /// Where they come from.
        from: String,
    },
}

/// Adds a login to the options of a connection.
///
/// # Errors
///
/// Returns [`LoginError`]; there is no secret in it.
pub(super) fn add(options: ConnectOptions, login: &Login) -> Result<ConnectOptions, LoginError> {
    let read = |from: &Given| source::read(from).map(|value| value.expose().clone());
    Ok(match login {
        Login::Nobody => options,
        Login::User(user, password) => options.user_and_password(read(user)?, read(password)?),
        Login::Token(token) => options.token(read(token)?),
        Login::Nkey(seed) => options.nkey(read(seed)?.trim().to_owned()),
        Login::Creds(creds) => {
            // The library's pattern wants a newline behind the last line.
            let text = read(creds)? + "\n";
            options.credentials(&text).map_err(|_| LoginError::Creds {
                from: source::name(creds),
            })?
        }
    })
}
