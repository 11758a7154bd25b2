//! What is cloned and how: the settings below `workspace`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// What is cloned before the agent starts, and what is kept of its work.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkspaceSettings {
    /// What to clone. An empty object asks for what the payload's `vcs` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSettings>,
    /// Whether the repository may configure the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// What becomes of an ssh host whose key nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<HostKeys>,
    /// Whether the agent's unpushed work is saved beside the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wip: Option<bool>,
    /// Whether `file://` URLs are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_remotes: Option<bool>,
    /// How long cloning may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<CloneTimeouts>,
}

/// What to clone.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitSettings {
    /// From where. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Branch, tag, commit or full reference. A template.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Directory in the repository that becomes the agent's. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many commits of history; 0: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<Depth>,
    /// Whether submodules are checked out too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submodules: Option<Submodules>,
}

/// How long cloning may take.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloneTimeouts {
    /// Until a connection stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<Span>,
    /// Without a single byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Span>,
    /// From the first attempt to the last file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Span>,
}

/// Whether the repository may configure the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Whatever is in it counts.
    #[default]
    Trusted,
    /// Files that configure agents, editors and git are moved aside or taken from the base.
    Quarantine,
}

/// What becomes of an ssh host whose key nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// It is refused.
    #[default]
    Strict,
    /// It is taken as it is; a key that differs from a known one is still refused.
    AcceptNew,
}

/// Which submodules are checked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Submodules {
    /// None.
    #[default]
    Off,
    /// Those of the repository.
    On,
    /// Those of the repository, and theirs.
    Recursive,
}

impl<'de> Deserialize<'de> for Submodules {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl serde::de::Visitor<'_> for Words {
            type Value = Submodules;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`off`, `on` or `recursive`")
            }
            // YAML makes booleans of `on` and `off`.
            fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<Submodules, E> {
                Ok(if on { Submodules::On } else { Submodules::Off })
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Submodules, E> {
                match text {
                    "off" | "false" => Ok(Submodules::Off),
                    "on" | "true" => Ok(Submodules::On),
                    "recursive" => Ok(Submodules::Recursive),
                    _ => Err(E::unknown_variant(text, &["off", "on", "recursive"])),
                }
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Submodules {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Submodules".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Which submodules are checked out.",
            "enum": ["off", "on", "recursive", true, false]
        })
    }
}

/// How many commits of history are fetched; 0: all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Depth(pub u32);

impl<'de> Deserialize<'de> for Depth {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl serde::de::Visitor<'_> for Number {
            type Value = Depth;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of commits, 0 for all")
            }
            fn visit_u64<E: serde::de::Error>(self, commits: u64) -> Result<Depth, E> {
                u32::try_from(commits)
                    .map(Depth)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(commits), &self))
            }
            // Writers of JSON that know no integers write `1.0`.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be whole and in range"
            )]
            fn visit_f64<E: serde::de::Error>(self, commits: f64) -> Result<Depth, E> {
                if commits.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&commits) {
                    return Ok(Depth(commits as u32));
                }
                Err(E::invalid_value(
                    serde::de::Unexpected::Float(commits),
                    &self,
                ))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Depth, E> {
                text.parse()
                    .map(Depth)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl JsonSchema for Depth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Depth".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many commits of history are fetched; 0: all.",
            "type": "integer",
            "minimum": 0,
            "maximum": u32::MAX
        })
    }
}
