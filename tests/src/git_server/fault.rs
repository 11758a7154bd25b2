//! What a server does wrong, to which requests, and how often.

/// A fault; without limits it strikes every request.
///
/// Faults strike before authorization is looked at. The first one that fits decides the answer.
/// Those of bodies (`stall_after`, `cut_after`, `slow`) act on the answer that the request gets
/// otherwise; `stall_after` and `cut_after` strike, and count, only where the body is longer.
///
/// ```no_run
/// use agent_tests::Fault;
///
/// let busy = Fault::answer(429).retry_after("1").times(2);
/// let broken_pack = Fault::cut_after(1000).on("git-upload-pack").once();
/// let second_request = Fault::answer(500).after(1).once();
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) what: What,
    on: Option<String>,
    after: usize,
    times: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
    },
    Redirect {
        from_prefix: String,
        to_url: String,
    },
    Silence,
    Stall(u64),
    Cut(u64),
    Slow(u64),
}

impl Fault {
    /// Answers with a status and a short text.
    pub fn answer(status: u16) -> Self {
        Self::new(What::Answer {
            status,
            headers: Vec::new(),
        })
    }

    /// Adds a header to an answer.
    ///
    /// # Panics
    ///
    /// Panics if this fault is not an answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let What::Answer { headers, .. } = &mut self.what else {
            panic!("only `Fault::answer` has headers");
        };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `Retry-After`, seconds or a date, to an answer.
    #[must_use]
    pub fn retry_after(self, value: &str) -> Self {
        self.header("Retry-After", value)
    }

    /// Redirects (301) paths that begin with a prefix to a URL, to which the rest is added.
    pub fn redirect(from_prefix: &str, to_url: &str) -> Self {
        Self::new(What::Redirect {
            from_prefix: from_prefix.to_owned(),
            to_url: to_url.to_owned(),
        })
    }

    /// Reads the request and never answers.
    pub fn silence() -> Self {
        Self::new(What::Silence)
    }

    /// Sends so many bytes of the body, then nothing, with the connection open until the drop.
    pub fn stall_after(bytes: u64) -> Self {
        Self::new(What::Stall(bytes))
    }

    /// Sends so many bytes of the body, then closes the connection.
    pub fn cut_after(bytes: u64) -> Self {
        Self::new(What::Cut(bytes))
    }

    /// Sends the body at so many bytes a second.
    pub fn slow(bytes_per_second: u64) -> Self {
        Self::new(What::Slow(bytes_per_second.max(1)))
    }

    /// Only on requests with this text in path and query, such as `git-upload-pack`.
    #[must_use]
    pub fn on(mut self, text: &str) -> Self {
        self.on = Some(text.to_owned());
        self
    }

    /// Only after so many requests that it would have struck.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.after = requests;
        self
    }

    /// Only so often.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Only once.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    fn new(what: What) -> Self {
        Self {
            what,
            on: None,
            after: 0,
            times: None,
        }
    }

    /// Returns whether it strikes a request for this path and query, and counts it.
    pub(super) fn strikes(&mut self, target: &str) -> bool {
        let fits = self.on.as_ref().is_none_or(|text| target.contains(text))
            && match &self.what {
                What::Redirect { from_prefix, .. } => target.starts_with(from_prefix),
                _ => true,
            };
        if !fits || self.times == Some(0) {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}
