//! Starting processes that the kernel kills when the tests die.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};

type Order = (Command, Sender<io::Result<Child>>);

/// Starts a process from a thread that lives as long as the tests do.
///
/// The kernel takes the end of the thread that started a process for the end of its parent, so a
/// process that wants to die with its parent must not be started by a thread that a test has joined.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static ORDERS: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
        let (orders, received) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in received {
                // Who does not wait for the answer has died, and the process dies with it.
                drop(answer.send(command.spawn()));
            }
        });
        Mutex::new(orders)
    });
    let (answer, answered) = channel();
    ORDERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, answer))
        .expect("the thread never ends");
    answered.recv().expect("the thread answers everything")
}
