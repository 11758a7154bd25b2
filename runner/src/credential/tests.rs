use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

use agent_plan::env::Environment;
use serde_json::json;
use tempfile::TempDir;

use super::{CredentialError, askpass, git_credential, is_askpass};

const TOKEN: &str = "glpat-0123456789abcdefgh";

/// A directory with an access file, and an environment with the token.
struct Granted {
    dir: TempDir,
    environment: Environment,
}

impl Granted {
    fn new() -> Self {
        Self::of("https", "git.example.com", ("variable", "VCS_TOKEN"))
    }

    /// `place` is the key and the value that say where the token is.
    fn of(scheme: &str, host: &str, place: (&str, &str)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let mut pass = json!({ "scheme": scheme, "host": host, "username": "oauth2" });
        pass[place.0] = json!(place.1);
        fs::write(dir.path().join("access.json"), pass.to_string()).expect("it can be written");
        let token = (OsString::from("VCS_TOKEN"), OsString::from(TOKEN));
        Self {
            dir,
            environment: Environment::new([token]),
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("access.json")
    }

    fn request(&self, operation: &str, input: &str) -> Result<Option<String>, CredentialError> {
        let answer = git_credential(&self.file(), operation, input.as_bytes(), &self.environment)?;
        Ok(answer.map(|text| text.expose().clone()))
    }

    #[track_caller]
    fn get(&self, input: &str) -> Option<String> {
        self.request("get", input)
            .expect("the request is well-formed")
    }

    #[track_caller]
    fn ask(&self, prompt: &str) -> Option<String> {
        let program = self.dir.path().join("git-askpass");
        askpass(program.as_os_str(), prompt, &self.environment)
            .expect("there is an access file")
            .map(|text| text.expose().clone())
    }
}

fn answer() -> String {
    format!("username=oauth2\npassword={TOKEN}\n")
}

#[test]
fn the_permitted_host_gets_user_name_and_token() {
    let granted = Granted::new();
    for input in [
        "protocol=https\nhost=git.example.com\n\n",
        "protocol=https\nhost=git.example.com\n",
        "protocol=https\nhost=git.example.com",
        "protocol=https\nhost=GIT.Example.COM\n\n",
        "protocol=https\nhost=git.example.com:443\n\n",
        "protocol=https\nhost=git.example.com\nusername=oauth2\n\n",
        "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com\npath=a/b.git\nwwwauth[]=Basic realm=\"x=y\"\nnew=\n\n",
        // What stands behind the empty line belongs to nobody.
        "protocol=https\nhost=git.example.com\n\nhost=evil.example\n",
        "host=evil.example\nprotocol=https\nhost=git.example.com\n\n",
    ] {
        assert_eq!(granted.get(input), Some(answer()), "{input:?}");
    }
}

#[test]
fn nobody_else_gets_anything() {
    let granted = Granted::new();
    for input in [
        "",
        "protocol=https\n\n",
        "host=git.example.com\n\n",
        "protocol=http\nhost=git.example.com\n\n",
        "protocol=HTTPS\nhost=git.example.com\n\n",
        "protocol=ssh\nhost=git.example.com\n\n",
        "protocol=https\nhost=evil.git.example.com\n\n",
        "protocol=https\nhost=example.com\n\n",
        "protocol=https\nhost=git.example.com.evil.example\n\n",
        "protocol=https\nhost=git.example.com.\n\n",
        "protocol=https\nhost=git.example.com:8443\n\n",
        "protocol=https\nhost=git.example.com:\n\n",
        "protocol=https\nhost=git.example.com:+443\n\n",
        "protocol=https\nhost=git.example.com:443:443\n\n",
        "protocol=https\nhost=git.example.com\r\n\n",
        "protocol=https\nhost= git.example.com\n\n",
        "protocol=https\nhost=oauth2@git.example.com\n\n",
        "protocol=https\nhost=git.example.com/\n\n",
        "protocol=https\nhost=git\u{2024}example.com\n\n",
        "protocol=https\nhost=*\n\n",
        "protocol=https\nhost=git.example.com\nhost=evil.example\n\n",
        "protocol=https\nhost=git.example.com\nusername=somebody\n\n",
        "protocol=https\nhost=git.example.com\nusername=\n\n",
    ] {
        assert_eq!(granted.get(input), None, "{input:?}");
    }
}

#[test]
fn plain_http_gets_the_token_only_if_the_remote_is_plain_http() {
    let granted = Granted::of("http", "127.0.0.1:8080", ("variable", "VCS_TOKEN"));
    assert_eq!(
        granted.get("protocol=http\nhost=127.0.0.1:8080\n\n"),
        Some(answer())
    );
    assert_eq!(granted.get("protocol=https\nhost=127.0.0.1:8080\n\n"), None);
    assert_eq!(granted.get("protocol=http\nhost=127.0.0.1\n\n"), None);
    assert_eq!(granted.get("protocol=http\nhost=127.0.0.1:80\n\n"), None);
}

#[test]
fn nothing_is_stored_and_nothing_erased() {
    let granted = Granted::new();
    let input =
        format!("protocol=https\nhost=git.example.com\nusername=oauth2\npassword={TOKEN}\n\n");
    for operation in ["store", "erase", "capability", ""] {
        let answer = granted.request(operation, &input).expect("it is tolerated");
        assert_eq!(answer, None, "{operation:?}");
    }
    assert_eq!(
        granted.get("protocol=https\nhost=git.example.com\n\n"),
        Some(answer())
    );
}

#[test]
fn a_request_in_another_form_is_refused() {
    let granted = Granted::new();
    let long = format!(
        "protocol=https\nhost=git.example.com\npath={}\n\n",
        "a".repeat(64 * 1024)
    );
    for input in ["protocol\n\n", "protocol=https\n host\n\n", long.as_str()] {
        let refused = granted.request("get", input);
        assert!(
            matches!(refused, Err(CredentialError::Malformed)),
            "{}",
            input.len()
        );
    }
}

#[test]
fn a_renewed_token_file_is_read_again() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let file = dir.path().join("token");
    let place = ("file", file.to_str().expect("it is UTF-8"));
    let granted = Granted::of("https", "git.example.com", place);
    let input = "protocol=https\nhost=git.example.com\n\n";
    fs::write(&file, "first\n").expect("it can be written");
    assert_eq!(
        granted.get(input).as_deref(),
        Some("username=oauth2\npassword=first\n")
    );
    fs::write(&file, " second\t\r\n\n").expect("it can be written");
    assert_eq!(
        granted.get(input).as_deref(),
        Some("username=oauth2\npassword=second\n")
    );
    assert_eq!(granted.ask("Password: ").as_deref(), Some("second\n"));
    fs::remove_file(&file).expect("it was there");
    assert_eq!(granted.get(input), None);
    assert_eq!(granted.ask("Password: "), None);
}

#[test]
fn a_dropped_variable_is_no_answer() {
    let mut granted = Granted::new();
    granted.environment = Environment::default();
    assert_eq!(
        granted.get("protocol=https\nhost=git.example.com\n\n"),
        None
    );
    assert_eq!(
        granted.ask("Password for 'https://oauth2@git.example.com': "),
        None
    );
    // The user name is no secret.
    let username = granted.ask("Username for 'https://git.example.com': ");
    assert_eq!(username.as_deref(), Some("oauth2\n"));
}

#[test]
fn a_token_cannot_add_lines_to_the_answer() {
    for value in ["a\nquit=1", "a\rb", "a\0b", "a\u{7f}b", "\n", ""] {
        let mut granted = Granted::new();
        granted.environment.set("VCS_TOKEN", value);
        let answer = granted.get("protocol=https\nhost=git.example.com\n\n");
        assert_eq!(answer, None, "{value:?}");
        assert_eq!(granted.ask("Password: "), None, "{value:?}");
    }
}

#[test]
fn askpass_answers_as_the_contract_says() {
    let granted = Granted::new();
    let token = Some(format!("{TOKEN}\n"));
    for prompt in [
        "Password for 'https://oauth2@git.example.com': ",
        "Password for 'https://git.example.com': ",
        "Password for 'https://somebody@git.example.com:443': ",
        "Password for 'https://me%40corp@git.example.com/group/Username.git': ",
        "Password for \"https://git.example.com\"",
        "Password: ",
        "",
    ] {
        assert_eq!(granted.ask(prompt), token, "{prompt:?}");
    }
    for prompt in [
        "Username for 'https://git.example.com': ",
        "Username for 'https://GIT.example.com:443': ",
        "Username for \"https://git.example.com\"",
        "Username: ",
    ] {
        assert_eq!(
            granted.ask(prompt).as_deref(),
            Some("oauth2\n"),
            "{prompt:?}"
        );
    }
}

#[test]
fn askpass_tells_no_other_host_anything() {
    let granted = Granted::new();
    for prompt in [
        "Password for 'https://evil.example': ",
        "Username for 'https://evil.example': ",
        "Password for 'http://git.example.com': ",
        "Password for 'https://git.example.com:8443': ",
        "Password for 'https://evil.git.example.com': ",
        "Password for 'cert:///etc/key.pem': ",
        "Password for https://git.example.com: ",
        "Password for 'git.example.com': ",
        "Enter passphrase for key '/home/agent/.ssh/id_ed25519': ",
        "Enter passphrase for key: ",
        "git@git.example.com's password: ",
        "(git@git.example.com) Password: ",
        "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
    ] {
        assert_eq!(granted.ask(prompt), None, "{prompt:?}");
    }
}

#[test]
fn a_user_name_cannot_pass_for_the_host() {
    let granted = Granted::new();
    for prompt in [
        "Password for 'https://git.example.com/@evil.example': ",
        "Password for 'https://git.example.com#@evil.example': ",
        "Password for 'https://evil.example#@git.example.com': ",
        "Password for 'https://evil.example\\@git.example.com': ",
        "Password for 'https://evil.example/@git.example.com': ",
        "Password for 'https://a@evil.example@git.example.com': ",
        "Password for 'https://git.example.com': '@evil.example': ",
        "Password for 'https://git.example.com' x@evil.example': ",
        "Password for 'https://git.example.com:443@evil.example': ",
        "Password for 'https://git.example.com:x@evil.example': ",
        "Password for 'https://git.example.com",
        "Password for '",
        "'",
    ] {
        assert_eq!(granted.ask(prompt), None, "{prompt:?}");
    }
}

#[test]
fn askpass_is_known_by_its_name_and_reads_only_beside_itself() {
    assert!(is_askpass(OsStr::new("/scratch/git/git-askpass")));
    assert!(!is_askpass(OsStr::new("/usr/local/bin/agent-runner")));
    assert!(!is_askpass(OsStr::new("/git-askpass/agent-runner")));
    for program in ["git-askpass", "./git-askpass", ""] {
        let refused = askpass(OsStr::new(program), "Password: ", &Environment::default());
        assert!(matches!(refused, Err(CredentialError::Place)), "{program}");
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let granted = Granted::new();
    for content in [
        "",
        "{}",
        r#"{"scheme":"https","host":"*","username":"u","variable":"V"}"#,
        r#"{"scheme":"ext","host":"h","username":"u","variable":"V"}"#,
        r#"{"scheme":"https","host":"h","username":"u"}"#,
        r#"{"scheme":"https","host":"h","username":"u","variable":"V","file":"/f"}"#,
    ] {
        fs::write(granted.file(), content).expect("it can be written");
        let refused = granted.request("get", "protocol=https\nhost=h\n\n");
        assert!(
            matches!(refused, Err(CredentialError::Access { .. })),
            "{content}"
        );
    }
}

#[test]
fn an_answer_is_not_printed_by_accident() {
    let granted = Granted::new();
    let input = "protocol=https\nhost=git.example.com\n\n".as_bytes();
    let answer = git_credential(&granted.file(), "get", input, &granted.environment);
    assert!(!format!("{answer:?}").contains(TOKEN));
}
