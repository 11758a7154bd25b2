//! The way to the provider breaks.

use agent_tests::{Cli, ModelApi, Step, assert_ends, ends};

#[test]
fn a_stream_that_is_cut_once_costs_nothing() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::cut(), Step::text("Whole.")]);
        let Some(run) = cli.run(&api) else { return };
        let ended = run.end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(0, "Completed", "Completed"));
        assert!(
            ended.text().ends_with("Whole.\n"),
            "{name}: {}",
            ended.text()
        );
    });
}

#[test]
fn a_connection_that_always_breaks_is_the_networks_fault() {
    for broken in [Step::cut, Step::reset] {
        Cli::each(|cli| {
            let api = ModelApi::start([broken()]);
            let Some(run) = cli.run(&api) else { return };
            let network = ends(69, "ProviderUnavailable", "Network");
            assert_ends(&format!("{cli:?}"), &run.end(), &network);
        });
    }
}

#[test]
fn a_provider_that_is_not_there_is_the_networks_fault() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::text("Nobody hears this.")]);
        let Some(run) = cli.run(&api) else { return };
        drop(api);
        // Codex waits for a network for ever; a minute and a half is for unit tests.
        let (run, wanted) = match cli {
            Cli::Claude => (run, ends(69, "ProviderUnavailable", "Network")),
            _ => (
                run.env("AGENT_RUNNER_TIMEOUTS_IDLE", "3"),
                ends(81, "Stalled", "Idle"),
            ),
        };
        assert_ends(&format!("{cli:?}"), &run.end(), &wanted);
    });
}
