//! Moments that nobody has chosen.

use std::io::Write;
use std::time::{Duration, SystemTime};

/// How often something random happens, if `AGENT_TESTS_KILLS` does not say it.
const KILLS: u64 = 50;

/// How often something random is to happen.
pub(crate) fn kills() -> u64 {
    told("AGENT_TESTS_KILLS").unwrap_or(KILLS)
}

/// Returns a number of the environment.
pub(crate) fn told(name: &str) -> Option<u64> {
    let told = std::env::vars().find(|(it, _)| it == name)?;
    Some(told.1.parse().expect("it is a number"))
}

/// How many runs at a time.
const LANES: u64 = 2;

/// Does something so many times, a few at a time, each with random numbers of its own.
pub(crate) fn in_lanes(runs: u64, run: impl Fn(Dice) + Sync) {
    let dice = Dice::new();
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (dice, run) = (&dice, &run);
            scope.spawn(move || {
                for number in (0..runs).filter(|number| number % LANES == lane) {
                    run(dice.fork(number));
                }
            });
        }
    });
}

/// Random numbers (`SplitMix64`), whose seed a failing test says; `AGENT_TESTS_SEED` sets it.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.subsec_nanos().into());
        let seed = told("AGENT_TESTS_SEED").unwrap_or(nanos);
        Self { seed, state: seed }
    }

    /// Others, by the same seed.
    pub(crate) fn fork(&self, number: u64) -> Self {
        Self {
            seed: self.seed,
            state: self.seed ^ (number << 32),
        }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Lets some time pass, so that what comes next comes at any moment.
    pub(crate) fn pass(&mut self, most: Duration) {
        let micros = u64::try_from(most.as_micros()).expect("it is short");
        std::thread::sleep(Duration::from_micros(self.below(micros)));
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nothing else can be done with it.
            drop(writeln!(
                std::io::stderr(),
                "AGENT_TESTS_SEED={}",
                self.seed
            ));
        }
    }
}
