//! What follows the first bytes of a token, read in as many parts as it comes.

/// Bytes after its prefix that a token has at most; what follows is text again. A run that long is
/// no token, and a stream that swallowed on would be lost.
pub(super) const LONGEST_TOKEN: usize = 16 * 1024;

/// Bytes that a JWT header may have. It says the algorithm and which key: some 40 to 400 bytes.
pub(super) const JWT_HEADER: usize = 1024;

/// Bytes that the first two parts of a JWT need at least, after their `eyJ`.
const JWT_PART: usize = 8;

/// Bytes after a BEGIN line that make it a key rather than a mention of one.
const PEM_BODY: usize = 64;

/// A set of characters that tokens are made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Class {
    /// `[A-Za-z0-9]`
    Alphanumeric,
    /// `[A-Za-z0-9_]`
    Word,
    /// `[A-Za-z0-9_-]`
    Url,
    /// `[A-Za-z0-9+/=]`
    Base64,
}

impl Class {
    /// Whether `byte` is in the class.
    pub(super) fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Alphanumeric => false,
                Self::Word => byte == b'_',
                Self::Url => matches!(byte, b'_' | b'-'),
                Self::Base64 => matches!(byte, b'+' | b'/' | b'='),
            }
    }
}

/// What has to follow a prefix for a token, and what belongs to the token after that.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// At least so many characters of a class, and all that follow of the class.
    Run {
        /// Which characters.
        class: Class,
        /// How many.
        least: usize,
    },
    /// A run of [`Class::Url`] with a digit among the first `least`.
    RunWithDigit {
        /// How many.
        least: usize,
    },
    /// So many of `[A-Z0-9]`, and then nothing alphanumeric.
    Exactly {
        /// How many.
        length: usize,
    },
    /// `….eyJ…`: two parts of a JWT are enough, so that one that was cut short is found too.
    Jwt,
    /// The body of a private key, to its END line or to the first byte that a key cannot have.
    Pem,
}

impl Shape {
    /// Bytes after the prefix that may have to be seen before it is known whether it is a token.
    pub(super) fn lookahead(self) -> usize {
        match self {
            Self::Run { least, .. } | Self::RunWithDigit { least } => least,
            Self::Exactly { length } => length + 1,
            Self::Jwt => JWT_HEADER + ".eyJ".len() + JWT_PART,
            Self::Pem => PEM_BODY,
        }
    }

    /// Whether `byte` may be the first after the prefix.
    pub(super) fn starts_with(self, byte: u8) -> bool {
        !matches!(Tail::new(self).step(byte), Step::Stop | Step::Fail)
    }
}

/// What is known of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// More bytes decide.
    Open,
    /// It is one, and may go on.
    Token,
    /// It is one, and over.
    Over,
    /// It is none.
    None,
}

/// A token after its prefix, as far as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    shape: Shape,
    verdict: Verdict,
    /// Bytes taken.
    length: usize,
    /// Which part of the shape, counted from 0.
    part: u8,
    /// How far in this part.
    within: usize,
}

enum Step {
    /// The byte is part of the token.
    Take,
    /// So it is, and makes it one.
    Confirm,
    /// So it is, and is the last.
    Finish,
    /// It is not: the token is over, if it is one.
    Stop,
    /// It is not, and there is no token.
    Fail,
}

impl Tail {
    /// Nothing is read yet.
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            verdict: Verdict::Open,
            length: 0,
            part: 0,
            within: 0,
        }
    }

    /// What is known.
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Reads on in `bytes` and returns how many of them belong to the token.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        for (taken, &byte) in bytes.iter().enumerate() {
            if self.length == LONGEST_TOKEN {
                self.stop();
                return taken;
            }
            match self.step(byte) {
                Step::Take => {}
                Step::Confirm => self.verdict = Verdict::Token,
                Step::Finish => {
                    self.verdict = Verdict::Over;
                    return taken + 1;
                }
                Step::Stop => {
                    self.stop();
                    return taken;
                }
                Step::Fail => {
                    self.verdict = Verdict::None;
                    return taken;
                }
            }
            self.length += 1;
        }
        bytes.len()
    }

    /// Nothing follows: what was read decides.
    pub(super) fn stop(&mut self) {
        let is_whole = match self.shape {
            Shape::Exactly { length } => self.length == length,
            _ => matches!(self.verdict, Verdict::Token | Verdict::Over),
        };
        self.verdict = if is_whole {
            Verdict::Over
        } else {
            Verdict::None
        };
    }

    fn step(&mut self, byte: u8) -> Step {
        match self.shape {
            Shape::Run { class, least } => self.run(class.has(byte), least),
            Shape::RunWithDigit { least } => {
                if byte.is_ascii_digit() {
                    self.part = 1;
                }
                if self.length + 1 == least && self.part == 0 {
                    return Step::Fail;
                }
                self.run(Class::Url.has(byte), least)
            }
            Shape::Exactly { length } => {
                let has = byte.is_ascii_uppercase() || byte.is_ascii_digit();
                match self.length < length {
                    true if has => Step::Take,
                    false if !byte.is_ascii_alphanumeric() => Step::Stop,
                    _ => Step::Fail,
                }
            }
            Shape::Jwt => self.jwt(byte),
            Shape::Pem => self.pem(byte),
        }
    }

    fn run(&self, has: bool, least: usize) -> Step {
        if !has {
            Step::Stop
        } else if self.length + 1 == least {
            Step::Confirm
        } else {
            Step::Take
        }
    }

    /// Parts: the header, `eyJ`, the claims as far as they must go, all that follows.
    fn jwt(&mut self, byte: u8) -> Step {
        let has = Class::Url.has(byte);
        self.within += 1;
        match self.part {
            0 if has && self.within <= JWT_HEADER => Step::Take,
            0 if byte == b'.' && self.within > JWT_PART => self.next_part(Step::Take),
            1 if b"eyJ".get(self.within - 1) == Some(&byte) => {
                if self.within == 3 {
                    return self.next_part(Step::Take);
                }
                Step::Take
            }
            2 if has && self.within == JWT_PART => self.next_part(Step::Confirm),
            2 if has => Step::Take,
            3 if has || byte == b'.' => Step::Take,
            _ => Step::Stop,
        }
    }

    /// Parts: the body, `END …` between two times five dashes. `within` counts dashes in a row.
    fn pem(&mut self, byte: u8) -> Step {
        // White space, and the backslashes of escaped line ends; the rest is for the header lines
        // of old keys, `DEK-Info: AES-128-CBC,…`.
        let has = byte.is_ascii_alphanumeric() || b"+/= \t\r\n\\-:,".contains(&byte);
        if !has {
            return Step::Stop;
        }
        self.within = if byte == b'-' { self.within + 1 } else { 0 };
        let step = if self.length + 1 == PEM_BODY {
            Step::Confirm
        } else {
            Step::Take
        };
        match (self.within, self.part) {
            (5, 0) => self.next_part(step),
            (5, _) => Step::Finish,
            _ => step,
        }
    }

    fn next_part(&mut self, step: Step) -> Step {
        self.part += 1;
        self.within = 0;
        step
    }
}
