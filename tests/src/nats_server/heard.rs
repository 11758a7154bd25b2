//! What a subscriber without JetStream hears.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use futures_util::StreamExt as _;
use tokio::sync::oneshot;

use super::stream::runtime;
use super::{Nats, StoredMessage};
use crate::DEADLINE;

/// A subscription and what it has heard so far; ended when dropped. It survives a restart of the
/// server, and hears nothing while that is down.
#[derive(Debug)]
pub struct Heard {
    messages: Arc<Messages>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Messages(Mutex<Vec<StoredMessage>>, Condvar);

impl Messages {
    fn list(&self) -> MutexGuard<'_, Vec<StoredMessage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nats {
    /// Listens to a subject, which may have wildcards. What is published after this is heard.
    pub fn listen(&self, subject: &str) -> Heard {
        let messages = Arc::new(Messages::default());
        let (end, ended) = oneshot::channel();
        let (ready, listening) = channel();
        let work = {
            let (messages, subject) = (Arc::clone(&messages), subject.to_owned());
            let (options, url) = (self.options(), self.url());
            let network = self.parts.network.clone();
            move || {
                let hear = async {
                    let client = options.connect(url).await;
                    let client = client.expect("the test's own user is let in");
                    let subscriber = client.subscribe(subject).await;
                    let mut subscriber = subscriber.expect("the subject is one");
                    client.flush().await.expect("the server answers");
                    // Who has given up waiting has panicked.
                    let _ = ready.send(());
                    while let Some(message) = subscriber.next().await {
                        messages.list().push(StoredMessage::new(
                            &message.subject,
                            message.headers.as_ref(),
                            &message.payload,
                            0,
                        ));
                        messages.1.notify_all();
                    }
                };
                let until_end = || {
                    runtime().block_on(async {
                        tokio::select! {
                            () = hear => (),
                            // An error means that the owner has gone without a word.
                            _ = ended => (),
                        }
                    });
                };
                match network {
                    Some(network) => network.as_server(until_end),
                    None => until_end(),
                }
            }
        };
        let thread = std::thread::spawn(work);
        let heard = Heard {
            messages,
            end: Some(end),
            thread: Some(thread),
        };
        let ready = listening.recv_timeout(DEADLINE);
        ready.expect("the server takes a subscription");
        heard
    }
}

impl Heard {
    /// What it has heard so far, in order.
    pub fn messages(&self) -> Vec<StoredMessage> {
        self.messages.list().clone()
    }

    /// Waits until it has heard so many messages or more, and returns them.
    #[track_caller]
    pub fn await_count(&self, count: usize) -> Vec<StoredMessage> {
        let list = self.messages.list();
        let waited = self
            .messages
            .1
            .wait_timeout_while(list, DEADLINE, |list| list.len() < count);
        let (list, _) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            list.len() >= count,
            "{} messages were heard, not {count}",
            list.len()
        );
        list.clone()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.end.take().map(|end| end.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(
                matches!(ended, Some(Ok(()))),
                "the subscriber panicked; its message is above"
            );
        }
    }
}
