//! Whether memory grows with the output.

use std::io;

use crate::bench::{Bench, Redaction, assert_succeeded, log};
use crate::report::{Report, SLOPE_MIB};
use crate::spread::Spread;

/// Bytes of a write.
const WRITE: usize = 64 * 1024;

/// Reads the peak after outputs of 1, 64 and 1024 MiB.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    report.table(
        "Peak memory by output, redaction on",
        &["output, MiB", "peak RSS, MiB"],
    )?;
    let mut peaks = Vec::new();
    for mebibytes in [1, 64, 1024_u64] {
        let agent = bench.generator(mebibytes << 20, WRITE);
        let command = bench.runner(bench.dir(), &agent, Redaction::On)?;
        let measured = bench.measure(&[command])?;
        assert_succeeded(bench.dir());
        std::fs::remove_file(log(bench.dir()))?;
        let peak = measured.rss as f64 / 1_048_576.0;
        report.row(&[mebibytes.to_string(), format!("{peak:.1}")])?;
        peaks.push(peak);
    }
    let grown = peaks
        .last()
        .zip(peaks.first())
        .map_or(f64::NAN, |(last, first)| last - first);
    let grown = Spread::of([grown]);
    report.target("slope, MiB from 1 MiB to 1 GiB", grown, SLOPE_MIB);
    Ok(())
}
