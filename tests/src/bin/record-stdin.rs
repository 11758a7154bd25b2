//! Stands before another executable and keeps what that one reads on stdin.
//!
//! It starts `<its own path>-real` with its own arguments, passes stdin on and keeps a copy of it in
//! the file named by `RECORD_STDIN`. Without that variable, or called for anything but
//! `app-server`, it only becomes the other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

fn main() -> io::Result<ExitCode> {
    let mut real = std::env::current_exe()?.into_os_string();
    real.push("-real");
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let mut command = Command::new(real);
    command.args(&args);
    let record = std::env::vars_os().find(|(name, _)| name == "RECORD_STDIN");
    let Some((_, record)) = record.filter(|_| args.iter().any(|arg| arg == "app-server")) else {
        return Err(command.exec());
    };
    let mut record = File::create(record)?;
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = io::stdin().read(&mut buffer)?;
        let piece = &buffer[..count];
        record.write_all(piece)?;
        match &mut stdin {
            Some(stdin) if count > 0 => stdin.write_all(piece)?,
            _ => break,
        }
    }
    drop(stdin);
    let code = child.wait()?.code();
    Ok(ExitCode::from(
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
    ))
}
