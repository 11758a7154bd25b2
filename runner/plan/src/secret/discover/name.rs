//! What a name says about its value.

/// Words that are a secret wherever they stand in a name.
const SECRETS: [&str; 11] = [
    "NKEY",
    "SECRETS",
    "PASSWORDS",
    "APIKEYS",
    "ACCESSKEY",
    "SECRETKEY",
    "PRIVATEKEY",
    "AUTHORIZATION",
    "COOKIE",
    "COOKIES",
    "DSN",
];

/// Ends of such words: also `PGPASSWORD`, `AUTHTOKEN`.
const SECRET_ENDS: [&str; 5] = ["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY"];

/// Words that are one at the end of a longer name only. `PWD` and `OLD_PWD` are directories.
const LAST: [&str; 2] = ["PASS", "PWD"];

/// Words before `KEY` that make it secret, and vendors whose keys are.
const KEYS: [&str; 35] = [
    "NATS",
    "API",
    "ACCESS",
    "PRIVATE",
    "SECRET",
    "SIGNING",
    "ENCRYPTION",
    "AUTH",
    "MASTER",
    "SSH",
    "DEPLOY",
    "ACCOUNT",
    "STORAGE",
    "LICENSE",
    "HMAC",
    "ANTHROPIC",
    "OPENAI",
    "OPENROUTER",
    "GEMINI",
    "GOOGLE",
    "AZURE",
    "AWS",
    "MISTRAL",
    "GROQ",
    "COHERE",
    "DEEPSEEK",
    "XAI",
    "STRIPE",
    "SENDGRID",
    "TWILIO",
    "DATADOG",
    "CLOUDFLARE",
    "GITHUB",
    "GITLAB",
    "HF",
];

/// Last words that make a name speak about a secret rather than hold one.
const ABOUT: [&str; 44] = [
    "PATH",
    "FILE",
    "DIR",
    "URL",
    "URI",
    "HOST",
    "PORT",
    "NAME",
    "USER",
    "USERNAME",
    "ID",
    "MODE",
    "TYPE",
    "ENABLED",
    "REQUIRED",
    "TTL",
    "SECONDS",
    "BUDGET",
    "LIMIT",
    "COUNT",
    "MAX",
    "MIN",
    "ALGORITHM",
    "ALG",
    "METHOD",
    "HASH",
    "SHA",
    "SHA256",
    "LENGTH",
    "SIZE",
    "TIMEOUT",
    "EXPIRY",
    "EXPIRES",
    "EXPIRATION",
    "VERSION",
    "FORMAT",
    "PREFIX",
    "HEADER",
    "ENDPOINT",
    "ISSUER",
    "AUDIENCE",
    "SCOPE",
    "SCOPES",
    "ARN",
];

/// What a value has to be to be the secret that its name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token. Not a number: `MAX_TOKENS`.
    Token,
    /// Credentials, or where they are.
    Credentials,
    /// Anything.
    Any,
}

impl Kind {
    /// The kind of secret that `name` promises, if it does. Variables, and keys of JSON.
    pub(super) fn of(name: &str) -> Option<Self> {
        let words = words(name);
        let is_about = words.last().is_some_and(|last| ABOUT.contains(&&**last));
        if is_about {
            None
        } else {
            Self::of_words(&words)
        }
    }

    fn of_words(words: &[String]) -> Option<Self> {
        let is_any = |word: &String| {
            SECRETS.contains(&&**word) || SECRET_ENDS.iter().any(|end| word.ends_with(end))
        };
        let is_key =
            |pair: &[String]| matches!(&*pair[1], "KEY" | "KEYS") && KEYS.contains(&&*pair[0]);
        let ends_in_one =
            words.len() > 1 && words.last().is_some_and(|last| LAST.contains(&&**last));
        if words.iter().any(is_any) || words.windows(2).any(is_key) {
            Some(Self::Any)
        } else if words
            .iter()
            .any(|word| matches!(&**word, "CREDENTIAL" | "CREDENTIALS" | "CREDS"))
            || (ends_in_one && words[0] != "OLD")
            || *words == ["AUTH"]
        {
            Some(Self::Credentials)
        } else if words
            .iter()
            .any(|word| word.ends_with("TOKEN") || word == "TOKENS")
        {
            Some(Self::Token)
        } else {
            None
        }
    }

    /// Whether `value` is what the name promises. Its length is not judged here.
    pub(super) fn fits(self, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        // Base64 may start with a slash too, but then it rarely has no other sign of its own.
        let is_foreign = |byte: &u8| byte.is_ascii_whitespace() || b"+=".contains(byte);
        let is_path = value.starts_with(b"/") && !value.iter().any(is_foreign);
        let is_place = is_path || value.starts_with(b"http://") || value.starts_with(b"https://");
        let is_number = value
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"._-".contains(byte));
        match self {
            Self::Token => !is_place && !is_number && !is_boolean(value),
            Self::Credentials => !is_place,
            Self::Any => true,
        }
    }
}

fn is_boolean(value: &[u8]) -> bool {
    ["true", "false", "disabled", "enabled"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a variable of this name says which file holds a secret.
pub(super) fn is_file_of_secret(name: &str) -> bool {
    let mut words = words(name);
    let last = words.pop();
    matches!(last.as_deref(), Some("FILE" | "PATH")) && Kind::of_words(&words).is_some()
}

/// Whether `glob` fits all of `name`. `*` stands for any characters; case does not matter.
pub(super) fn matches(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.to_ascii_uppercase(), name.to_ascii_uppercase());
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The words of `name` in upper case: parted by `_`, `-`, `.`, and as in `accessToken`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let is_separator = matches!(c, '_' | '-' | '.');
        if (is_separator || (was_lower && c.is_ascii_uppercase()))
            && words.last().is_some_and(|word| !word.is_empty())
        {
            words.push(String::new());
        }
        if !is_separator && let Some(word) = words.last_mut() {
            word.push(c.to_ascii_uppercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
