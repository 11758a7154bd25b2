//! The command line of `local`, as values.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::problem::Problem;
use super::secrets::Given;

/// What `local` is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Files and directories with manifests; `-` is stdin.
    pub(super) sources: Vec<PathBuf>,
    /// The `AgentRun`, where there are several.
    pub(super) name: Option<String>,
    /// What is laid over the run's parameters.
    pub(super) parameters: Vec<(String, String)>,
    /// Values for Secrets, or why one cannot be read. Not for the command line's reader to say: that
    /// repeats what was written.
    pub(super) secrets: Vec<Result<Given, &'static str>>,
    /// What is printed instead of a run.
    pub(super) print: Option<Printed>,
    /// In which form.
    pub(super) notation: Notation,
    /// Who plays the agent.
    pub(super) agent: Option<Player>,
    /// Where the run takes place; default a new directory.
    pub(super) workspace: Option<PathBuf>,
    /// Whether that new directory stays.
    pub(super) keep: bool,
}

impl Asked {
    /// Returns where values of Secrets are.
    ///
    /// # Errors
    ///
    /// Returns [`Problem::Given`] for the first of which that cannot be read.
    pub(super) fn given(&self) -> Result<Vec<Given>, Problem> {
        let given = self.secrets.iter().cloned();
        given.collect::<Result<_, _>>().map_err(Problem::Given)
    }
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// The `ConfigMap`s.
    ConfigMap,
    /// The Job.
    Job,
    /// `agent-runner.json`.
    Spec,
    /// `run.json`.
    Run,
    /// What the runner would do.
    Plan,
    /// All that a controller would apply.
    All,
}

/// In which form data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// Who plays the agent, instead of the executable that the provider names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Player {
    /// The scripted agent.
    Fake,
    /// `claude` of this machine.
    Claude,
    /// `codex` of this machine.
    Codex,
}

/// Words on the command line and what they mean.
const PRINTED: [(&str, Printed); 6] = [
    ("configmap", Printed::ConfigMap),
    ("job", Printed::Job),
    ("spec", Printed::Spec),
    ("run", Printed::Run),
    ("plan", Printed::Plan),
    ("all", Printed::All),
];
const NOTATIONS: [(&str, Notation); 2] = [("yaml", Notation::Yaml), ("json", Notation::Json)];
const PLAYERS: [(&str, Player); 3] = [
    ("fake", Player::Fake),
    ("claude", Player::Claude),
    ("codex", Player::Codex),
];

/// Returns the verb as clap knows it.
pub(crate) fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("local")
        .about("Carry out an AgentRun without a cluster, or print what a controller makes of it")
        .arg(
            Arg::new("source")
                .value_name("FILE|DIR")
                .num_args(1..)
                .required(true)
                .value_parser(ValueParser::path_buf())
                .help("Manifests, YAML or JSON; of a directory, its *.yaml, *.yml and *.json; `-` is stdin"),
        )
        .arg(
            option("print", "WHAT", "Print it instead of carrying out the run")
                .value_parser(words(&PRINTED)),
        )
        .arg(
            option("output", "FORMAT", "How it is printed; default yaml")
                .short('o')
                .requires("print")
                .value_parser(words(&NOTATIONS)),
        )
        .arg(
            Arg::new("run")
                .long("run")
                .action(ArgAction::SetTrue)
                .conflicts_with("print")
                .help("Carry out the run; the default"),
        )
        .arg(option("name", "AGENTRUN", "Which run, where there are several: NAME or NAMESPACE/NAME"))
        .arg(
            option("set", "KEY=VALUE", "Set a parameter of the run; may be repeated")
                .action(ArgAction::Append)
                .value_parser(parameter),
        )
        .arg(
            option(
                "secret",
                "NAME/KEY=@FILE|ENV:VAR",
                "Take a value of a Secret from a file or a variable; may be repeated",
            )
            .action(ArgAction::Append)
            .value_parser(|text: &str| Ok::<_, Infallible>(Given::parse(text))),
        )
        .arg(
            option("agent", "AGENT", "Who plays the agent: the scripted one, or one of this machine")
                .value_parser(words(&PLAYERS)),
        )
        .arg(
            option("workspace", "DIR", "Where the run takes place, and stays; default a new directory")
                .conflicts_with("print")
                .value_parser(ValueParser::path_buf()),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["print", "workspace"])
                .help("Keep the new directory"),
        )
}

/// Takes the verb's arguments.
pub(crate) fn asked(matches: &ArgMatches) -> Asked {
    Asked {
        sources: all(matches, "source"),
        name: matches.get_one("name").cloned(),
        parameters: all(matches, "set"),
        secrets: all(matches, "secret"),
        print: word(matches, "print", &PRINTED),
        notation: word(matches, "output", &NOTATIONS).unwrap_or(Notation::Yaml),
        agent: word(matches, "agent", &PLAYERS),
        workspace: matches.get_one("workspace").cloned(),
        keep: matches.get_flag("keep"),
    }
}

fn all<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<T> {
    let values = matches.get_many(name).into_iter().flatten();
    values.cloned().collect()
}

fn words<T>(known: &[(&'static str, T)]) -> PossibleValuesParser {
    PossibleValuesParser::new(known.iter().map(|(word, _)| *word))
}

fn word<T: Copy>(matches: &ArgMatches, name: &str, known: &[(&str, T)]) -> Option<T> {
    let said = matches.get_one::<String>(name)?;
    let known = known.iter().find(|(word, _)| word == said);
    known.map(|(_, meaning)| *meaning)
}

/// Takes `key=value` apart.
fn parameter(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected `KEY=VALUE`"),
    }
}
