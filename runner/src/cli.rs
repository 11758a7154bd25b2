//! The command line, as values. No logic.
//!
//! The flags of settings are made from [`SETTINGS`], so that none can be forgotten.

use std::ffi::OsString;
use std::path::PathBuf;

use agent_plan::outcome::{Code, ENDINGS};
use agent_plan::resource;
use agent_plan::settings::{Kind, SETTINGS};
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::load::Request;
use crate::{credential, fake_app_server, local, replay, scripted};

/// What the command line asks for.
#[derive(Debug)]
pub enum Verb {
    /// Carry out a run.
    Run(Request),
    /// Print what a run would do.
    Plan(Request, Format),
    /// Check files without a run.
    Validate(Vec<PathBuf>),
    /// Print a JSON Schema.
    Schema(String),
    /// Explain a status file in words.
    Explain(PathBuf),
    /// Render or publish a journal.
    Replay(replay::Request),
    /// Carry out an `AgentRun` without a cluster, or print what becomes of it.
    Local(local::Asked),
    /// Put a copy of this executable into a directory.
    Install(PathBuf),
    /// Print a completion script.
    Completions(String),
    /// Answer git, which asks for credentials: the file that says where they are, the operation.
    GitCredential(PathBuf, String),
    /// Test a provider.
    ProviderTest(PathBuf, Format),
    /// Play an agent, under the scripted agent's name, with these arguments.
    ScriptedAgent(OsString, Vec<OsString>),
    /// Answer a prompt, as the program that `GIT_ASKPASS` names: our own name, the prompt.
    Askpass(OsString, String),
    /// Be the scripted app server of smoke tests, as whom we were started.
    FakeAppServer,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The shells that completions are made for.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Takes the arguments apart, the program's name first.
///
/// # Errors
///
/// Returns clap's error, which also carries `--help` and `--version`.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Verb, clap::Error> {
    let mut arguments = arguments.into_iter().peekable();
    if let Some(name) = arguments.next_if(|name| credential::is_askpass(name)) {
        let prompt = arguments.next().unwrap_or_default();
        return Ok(Verb::Askpass(name, prompt.to_string_lossy().into_owned()));
    }
    if arguments
        .next_if(|name| fake_app_server::is_named(name))
        .is_some()
    {
        // Its arguments are those of codex; the script has one way to go.
        return Ok(Verb::FakeAppServer);
    }
    if let Some(name) = arguments.next_if(|name| scripted::is_scripted(name)) {
        return Ok(Verb::ScriptedAgent(name, arguments.collect()));
    }
    let matches = command().try_get_matches_from(arguments)?;
    Ok(match matches.subcommand() {
        Some(("plan", plan)) => Verb::Plan(request(plan), format(plan)),
        Some(("validate", files)) => Verb::Validate(
            files
                .get_many("file")
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        ),
        Some(("schema", schema)) => Verb::Schema(text(schema, "name")),
        Some(("explain", status)) => Verb::Explain(PathBuf::from(text(status, "status"))),
        Some(("install", asked)) => {
            Verb::Install(asked.get_one("directory").cloned().unwrap_or_default())
        }
        Some(("replay", asked)) => Verb::Replay(replayed(asked)),
        Some(("git-credential", asked)) => Verb::GitCredential(
            PathBuf::from(text(asked, "access")),
            text(asked, "operation"),
        ),
        Some(("local", asked)) => Verb::Local(local::asked(asked)),
        Some(("provider", asked)) => provider_test(asked),
        Some(("completions", shell)) => Verb::Completions(text(shell, "shell")),
        _ if matches.get_flag("dry-run") => Verb::Plan(request(&matches), format(&matches)),
        _ => Verb::Run(request(&matches)),
    })
}

/// Takes the arguments with which a pod starts the runner, without the program's name.
///
/// # Errors
///
/// Returns why they start no run: a fragment.
pub(crate) fn parse_for_run(words: &[String]) -> Result<Request, String> {
    let all = ["agent-runner"].into_iter().map(OsString::from);
    match parse(all.chain(words.iter().map(OsString::from))) {
        Ok(Verb::Run(request)) => Ok(request),
        Ok(_) => Err("they ask for something else".to_owned()),
        Err(error) if error.use_stderr() => Err(complaint(&error)),
        Err(_) => Err("they ask for help".to_owned()),
    }
}

/// Returns what clap says up to the usage line, in one: the problem, and what was perhaps meant.
pub(crate) fn complaint(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\nUsage:").next().unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

/// The command line as clap knows it; public for completions and the reference page.
pub fn command() -> Command {
    let path = ValueParser::path_buf();
    with_run_arguments(Command::new("agent-runner"))
        .about("Carries out one agent run: spec in, supervised agent, one truthful status out")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(exit_codes())
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .subcommand_precedence_over_arg(true)
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Print the plan, touch nothing"),
        )
        .subcommand(with_run_arguments(Command::new("plan")).about("Print the plan, touch nothing"))
        .subcommand(
            Command::new("validate")
                .about(
                    "Check specs, provider definitions and manifests: line, column, did-you-mean",
                )
                .arg(
                    Arg::new("file")
                        .value_name("FILE")
                        .num_args(1..)
                        .required(true)
                        .value_parser(path.clone()),
                ),
        )
        .subcommand(
            Command::new("schema").about("Print a JSON Schema").arg(
                Arg::new("name")
                    .value_name("NAME")
                    .required(true)
                    .ignore_case(true)
                    .value_parser(PossibleValuesParser::new(schemas())),
            ),
        )
        .subcommand(
            Command::new("explain")
                .about("Explain a status file: cause, evidence, next step")
                .arg(Arg::new("status").value_name("STATUS").required(true)),
        )
        .subcommand(local::command())
        .subcommand(
            Command::new("install")
                .about("Copy this executable into a directory, for a container that has none")
                .arg(
                    Arg::new("directory")
                        .value_name("DIR")
                        .required(true)
                        .value_parser(path),
                ),
        )
        .subcommand(replay_command())
        .subcommand(
            Command::new("git-credential")
                .about("Answer git's credential protocol for the agent; the runner configures it")
                .arg(Arg::new("access").value_name("FILE").required(true))
                .arg(Arg::new("operation").value_name("OPERATION").required(true)),
        )
        .subcommand(
            Command::new("provider")
                .about("Test a provider")
                .subcommand_required(true)
                .subcommand(
                    Command::new("test")
                        .about("Check a provider, then play runs with a scripted agent")
                        .arg(Arg::new("file").value_name("FILE").required(true))
                        .arg(output("How the report is printed; default text")),
                ),
        )
        .subcommand(
            Command::new("completions")
                .about("Print a completion script")
                .arg(
                    Arg::new("shell")
                        .value_name("SHELL")
                        .required(true)
                        .value_parser(PossibleValuesParser::new(SHELLS)),
                ),
        )
}

fn replay_command() -> Command {
    let number = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("NUMBER").help(help)
    };
    Command::new("replay")
        .about("Print a journal of events, or publish it again with the same ids")
        .arg(
            Arg::new("events")
                .value_name("EVENTS")
                .required(true)
                .value_parser(ValueParser::path_buf())
                .help("The journal; `-` is stdin"),
        )
        .arg(output(
            "text: for people; json: payloads as they are published; default text",
        ))
        .arg(
            Arg::new("publish")
                .long("publish")
                .action(ArgAction::SetTrue)
                .conflicts_with("output")
                .help("Publish to $NATS_URL instead, until all is acknowledged"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .requires("publish")
                .default_value("30s")
                .value_parser(|text: &str| humantime::parse_duration(text))
                .help("How long publishing may take"),
        )
        .arg(number("attempt", "Only this attempt").value_parser(clap::value_parser!(u32)))
        .arg(
            number("from", "Only from this number on, in every attempt")
                .value_parser(clap::value_parser!(u64)),
        )
}

fn replayed(asked: &ArgMatches) -> replay::Request {
    let timeout = asked.get_one("timeout").copied().unwrap_or_default();
    replay::Request {
        path: asked.get_one("events").cloned().unwrap_or_default(),
        format: format(asked),
        publish: asked.get_flag("publish").then_some(timeout),
        attempt: asked.get_one("attempt").copied(),
        from: asked.get_one("from").copied(),
    }
}

fn output(help: &'static str) -> Arg {
    Arg::new("output")
        .long("output")
        .value_name("FORMAT")
        .value_parser(PossibleValuesParser::new(["text", "json"]))
        .help(help)
}

fn with_run_arguments(command: Command) -> Command {
    let spec = Arg::new("spec")
        .value_name("SPEC")
        // An empty argument counts as none, as for the incumbent (contract §1.1).
        .value_parser(ValueParser::os_string());
    let command = command
        .arg(spec.help("The run spec; `-` is stdin. Default: $AGENT_RUNNER_SPEC_PATH, $AGENT_RUNNER_SPEC, $AGENT_RUN_SPEC"))
        // The controller renders a provider's `argsTemplate` into our arguments, of which the
        // incumbent read the first only (contract §1.1).
        .arg(Arg::new("ignored").num_args(0..).hide(true).value_parser(ValueParser::os_string()))
        .arg(output("How a plan is printed; default text"))
        .arg(
            Arg::new("status-path")
                .long("status-path")
                .value_name("PATH")
                .value_parser(ValueParser::path_buf())
                .help("Where the status file goes [env AGENT_RUNNER_STATUS_PATH]"),
        )
        .arg(Arg::new("strict").long("strict").action(ArgAction::SetTrue).help("Same as --strict-templates"));
    SETTINGS.iter().fold(command, |command, setting| {
        let arg = Arg::new(setting.key)
            .long(setting.flag)
            .help(format!("{} Default: {}.", setting.meaning, setting.default))
            .help_heading("Settings")
            .action(ArgAction::Set);
        command.arg(match setting.kind {
            Kind::Switch => arg
                .num_args(0..=1)
                .default_missing_value("true")
                .require_equals(true)
                .value_name("BOOL"),
            Kind::Text => arg.value_name("TEXT").allow_hyphen_values(true),
            Kind::List => arg.value_name("LIST"),
            Kind::Bytes => arg.value_name("BYTES"),
            Kind::Number | Kind::Decimal => arg.value_name("NUMBER"),
            Kind::Duration => arg.value_name("TIME"),
        })
    })
}

/// The names of all schemas; a Secret's and a ConfigMap's are Kubernetes' own.
fn schemas() -> impl Iterator<Item = &'static str> {
    let kinds = resource::Kind::ALL.into_iter();
    let kinds = kinds.filter(|kind| kind.api_version() == resource::API_VERSION);
    ["spec", "status", "event", "plan", "provider"]
        .into_iter()
        .chain(kinds.map(resource::Kind::name))
}

fn request(matches: &ArgMatches) -> Request {
    let set = |setting: &agent_plan::settings::Setting| {
        let text = matches.get_one::<String>(setting.key)?;
        Some((setting.key.to_owned(), text.clone()))
    };
    let mut flags: Vec<_> = SETTINGS.iter().filter_map(set).collect();
    if matches.get_flag("strict") {
        flags.push(("strictTemplates".to_owned(), "true".to_owned()));
    }
    Request {
        spec: matches.get_one::<OsString>("spec").map(PathBuf::from),
        flags,
        status_path: matches.get_one::<PathBuf>("status-path").cloned(),
        ignored: matches
            .get_many::<OsString>("ignored")
            .into_iter()
            .flatten()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        secrets: Vec::new(),
    }
}

fn provider_test(asked: &ArgMatches) -> Verb {
    let (_, test) = asked.subcommand().expect("clap demands a subcommand");
    Verb::ProviderTest(PathBuf::from(text(test, "file")), format(test))
}

fn format(matches: &ArgMatches) -> Format {
    match matches.get_one::<String>("output").map(String::as_str) {
        Some("json") => Format::Json,
        _ => Format::Text,
    }
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

/// The exit code table, for `--help`.
fn exit_codes() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for ending in ENDINGS {
        let code = match ending.code {
            Code::Fixed(code) => code.to_string(),
            Code::Agents => "its own".to_owned(),
            Code::Signal => "130/143".to_owned(),
        };
        text.push_str(&format!(
            "  {code:<8} {:<20} {}\n",
            format!("{:?}", ending.outcome),
            ending.meaning
        ));
    }
    text
}
