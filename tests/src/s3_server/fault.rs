//! What a server does wrong, to which requests, and how often.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::request::{S3Operation, S3Request};

/// A fault; without limits it strikes every request.
///
/// Faults strike before signatures are looked at. Delay, pace and breaks act on requests that are
/// served otherwise; of all that strike one request, the first that answers decides the answer. The
/// body of a request is read before it is answered, unless [`S3Fault::at_once`] says otherwise.
///
/// ```no_run
/// use agent_tests::{S3Fault, S3Operation};
///
/// let busy = S3Fault::slow_down().on(S3Operation::Part).times(2);
/// let broken = S3Fault::reset_after(1 << 20).key("log.txt").once();
/// let second = S3Fault::internal_error().after(1).once();
/// let odd = S3Fault::slow_down().when(|request| request.parameter("partNumber").as_deref() == Some("3"));
/// ```
#[derive(Clone)]
pub struct S3Fault {
    pub(super) what: What,
    on: Option<S3Operation>,
    key: Option<String>,
    when: Option<Predicate>,
    after: usize,
    times: Option<usize>,
}

type Predicate = Arc<dyn Fn(&S3Request) -> bool + Send + Sync>;

#[derive(Debug, Clone)]
pub(super) enum What {
    Answer(Refusal),
    Silence,
    Reset(u64),
    LoseAnswer,
    Slow(Pace),
    Delay(Duration),
}

/// An answer that is an error.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) at_once: bool,
}

impl S3Fault {
    /// Answers with a status and an error as S3 has it, such as `(403, "AccessDenied")`.
    pub fn answer(status: u16, code: &str) -> Self {
        Self::new(What::Answer(Refusal {
            status,
            code: code.to_owned(),
            message: format!("{code}, as the test wants it"),
            headers: Vec::new(),
            at_once: false,
        }))
    }

    /// 500 `InternalError`.
    pub fn internal_error() -> Self {
        Self::answer(500, "InternalError")
            .message("We encountered an internal error. Please try again.")
    }

    /// 503 `SlowDown`.
    pub fn slow_down() -> Self {
        Self::answer(503, "SlowDown").message("Please reduce your request rate.")
    }

    /// 403 `AccessDenied`.
    pub fn access_denied() -> Self {
        Self::answer(403, "AccessDenied").message("Access Denied")
    }

    /// 403 `AccessDenied` for everything that writes, as in a bucket that one may only read.
    pub fn read_only() -> Self {
        Self::access_denied().when(|request| request.operation.writes())
    }

    /// 400 `ExpiredToken`.
    pub fn expired_token() -> Self {
        Self::answer(400, "ExpiredToken").message("The provided token has expired.")
    }

    /// Refuses requests that have a checksum header, a checksum algorithm or the encoding
    /// `aws-chunked`, as servers do that are older than those: `(400, "InvalidArgument")` or
    /// `(501, "NotImplemented")`.
    pub fn refuse_checksums(status: u16, code: &str) -> Self {
        Self::answer(status, code).when(S3Request::has_checksum)
    }

    /// Says something else in an answer.
    ///
    /// # Panics
    ///
    /// Panics if this fault is not an answer, as do the next two.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.refusal().message);
        self
    }

    /// Adds a header to an answer, such as `Retry-After`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = (name.to_owned(), value.to_owned());
        self.refusal().headers.push(header);
        self
    }

    /// Answers before the body is read, and closes the connection.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.refusal().at_once = true;
        self
    }

    /// Reads the request and never answers.
    pub fn silence() -> Self {
        Self::new(What::Silence)
    }

    /// Resets the connection when so many bytes of the body have come, or a few more; it strikes,
    /// and counts, only where the body is longer.
    pub fn reset_after(bytes: u64) -> Self {
        Self::new(What::Reset(bytes))
    }

    /// Does what is asked for, and then resets the connection in place of an answer.
    pub fn lose_answer() -> Self {
        Self::new(What::LoseAnswer)
    }

    /// Reads bodies at so many bytes a second, all that it strikes together.
    ///
    /// What the kernel takes in before it holds a client up is 128 KiB for a connection that is made
    /// after this fault is, and up to some MiB for one that is older.
    pub fn slow(bytes_per_second: u64) -> Self {
        Self::new(What::Slow(Pace::new(bytes_per_second.max(1))))
    }

    /// Waits so long before each request is looked at.
    pub fn delay(time: Duration) -> Self {
        Self::new(What::Delay(time))
    }

    /// Only on this operation.
    #[must_use]
    pub fn on(mut self, operation: S3Operation) -> Self {
        self.on = Some(operation);
        self
    }

    /// Only on keys with this text in them.
    #[must_use]
    pub fn key(mut self, text: &str) -> Self {
        self.key = Some(text.to_owned());
        self
    }

    /// Only on requests of which this is true, besides what is said before.
    #[must_use]
    pub fn when(mut self, fits: impl Fn(&S3Request) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(match self.when.take() {
            Some(also) => Arc::new(move |request| also(request) && fits(request)),
            None => Arc::new(fits),
        });
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
            key: None,
            when: None,
            after: 0,
            times: None,
        }
    }

    fn refusal(&mut self) -> &mut Refusal {
        let What::Answer(refusal) = &mut self.what else {
            panic!("only a fault that answers has an answer");
        };
        refusal
    }

    /// Returns whether it strikes a request, and counts it.
    fn strikes(&mut self, request: &S3Request) -> bool {
        let fits = self.on.is_none_or(|on| on == request.operation)
            && self
                .key
                .as_ref()
                .is_none_or(|text| request.key.contains(text))
            && self.when.as_ref().is_none_or(|fits| fits(request))
            && match self.what {
                What::Reset(bytes) => request.declared_bytes() > bytes,
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

impl fmt::Debug for S3Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Fault")
            .field("what", &self.what)
            .field("on", &self.on)
            .field("key", &self.key)
            .field("after", &self.after)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// All that strikes one request.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    pub(super) delay: Duration,
    pub(super) pace: Option<Pace>,
    /// Bytes of the body until the reset.
    pub(super) reset: Option<u64>,
    pub(super) lose_answer: bool,
    pub(super) end: Option<End>,
}

/// What is done in place of serving.
#[derive(Debug)]
pub(super) enum End {
    Answer(Refusal),
    Silence,
}

impl Strikes {
    /// Looks at all faults, and counts those that strike.
    pub(super) fn of(faults: &mut [S3Fault], request: &S3Request) -> Self {
        let mut strikes = Self::default();
        for fault in faults {
            if !fault.strikes(request) {
                continue;
            }
            match &fault.what {
                What::Delay(time) => strikes.delay += *time,
                What::Slow(pace) => strikes.pace = Some(pace.clone()),
                What::Reset(bytes) => strikes.reset = Some(*bytes),
                What::LoseAnswer => strikes.lose_answer = true,
                What::Answer(refusal) => {
                    strikes.end = Some(End::Answer(refusal.clone()));
                    break;
                }
                What::Silence => {
                    strikes.end = Some(End::Silence);
                    break;
                }
            }
        }
        strikes
    }
}

/// A clock that bytes go by, of all requests together; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    bytes_per_second: u64,
    /// When all bytes so far would have come.
    until: Arc<Mutex<Instant>>,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second,
            until: Arc::new(Mutex::new(Instant::now())),
        }
    }

    /// Returns how long to wait for so many further bytes.
    pub(super) fn wait(&self, bytes: usize) -> Duration {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "of a pace, not of a length")]
        let time = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        *until = now.max(*until) + time;
        *until - now
    }
}
