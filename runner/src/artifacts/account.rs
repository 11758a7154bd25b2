//! What became of everything that was to be stored.
//!
//! It is kept while the work goes on, so that whenever that is given up, the truth is here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::plan::Delivery;
use agent_plan::settings::When;
use agent_plan::spec::OutputArtifact;
use agent_plan::status::UploadsStatus;
use serde::Serialize;
use serde_json::json;

/// What became of something, the better before the worse; of what was stored in part by us and in
/// part before, it is said that it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    /// It was there already.
    Unchanged,
    /// It is in the store, by us.
    Stored,
    /// There was nothing to store.
    Missing,
    /// It must not be stored.
    Refused,
    /// It was not reached.
    #[default]
    Pending,
    /// It could not be stored.
    Failed,
}

/// A file, as the manifest has it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    /// Name of the artifact that it is of.
    pub(super) artifact: String,
    /// Where it was.
    pub(super) path: String,
    /// Where it is, or would be.
    pub(super) key: String,
    /// Its address.
    pub(super) url: String,
    /// Bytes, as they are stored.
    pub(super) size: u64,
    /// Of the same bytes, if they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// What the store calls the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    /// What became of it.
    pub(super) result: Fate,
    /// Why it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// An artifact.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) delivery: Delivery,
    /// As the status shows it: with a `/` behind it if it is of a tree.
    pub(super) key: String,
    /// Its address.
    pub(super) url: String,
    /// What is wrong with it besides its objects: before they are known, that they are not.
    pub(super) problem: Option<(Fate, String)>,
    /// Objects that it has.
    pub(super) objects: Vec<usize>,
}

/// What became of everything. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Account(Arc<Mutex<Books>>);

/// The books of an account.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) entries: Vec<Entry>,
    pub(super) objects: Vec<Object>,
    /// Replacements by name of the secret.
    pub(super) redactions: BTreeMap<String, u64>,
    /// What the run copes with.
    pub(super) warnings: Vec<String>,
    /// Why nothing more can be stored, once that is known.
    pub(super) general: Option<String>,
    /// Files in a row that were not stored because the store had trouble.
    pub(super) troubles: usize,
    /// Artifacts that are not of such an ending, and of which they are.
    pub(super) skipped: Vec<(String, When)>,
    /// What of ours is stored besides: name, key and address.
    pub(super) own: Vec<(String, String, String)>,
}

impl Account {
    /// Opens the books.
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        // Whoever panicked has written whole lines.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The worst that became of it, and why.
    pub(super) fn fate(&self, objects: &[Object]) -> (Fate, Option<String>) {
        let of_objects = self.objects.iter().map(|&index| {
            let object = &objects[index];
            (object.result, object.error.clone())
        });
        let own = self.problem.clone().map(|(fate, why)| (fate, Some(why)));
        let all = own.into_iter().chain(of_objects);
        let worst = all.reduce(|worst, next| if next.0 > worst.0 { next } else { worst });
        // A directory may be empty.
        worst.unwrap_or((Fate::Stored, None))
    }
}

impl Fate {
    /// Whether it is in the store.
    pub(super) fn is_there(self) -> bool {
        matches!(self, Self::Stored | Self::Unchanged)
    }
}

impl Books {
    /// Enters an artifact of which nothing is known; returns its index.
    pub(super) fn enter(&mut self, delivery: Delivery) -> usize {
        self.entries.push(Entry {
            key: delivery.key.clone().unwrap_or_default(),
            url: String::new(),
            problem: Some((Fate::Pending, NOT_REACHED.to_owned())),
            objects: Vec::new(),
            delivery,
        });
        self.entries.len() - 1
    }

    /// Notes that nothing can be stored at all.
    pub(super) fn fail_all(&mut self, why: &str) {
        for entry in &mut self.entries {
            entry.problem = Some((Fate::Failed, why.to_owned()));
        }
    }

    /// Trouble of a store may be over by now.
    pub(super) fn hope(&mut self) {
        if std::mem::take(&mut self.troubles) > 0 {
            self.general = None;
        }
    }

    /// Notes of what is still pending that it cannot be stored either, if nothing more can.
    pub(super) fn give_general(&mut self) {
        let Some(why) = &self.general else { return };
        for object in &mut self.objects {
            if object.result == Fate::Pending && object.error.is_none() {
                object.result = Fate::Failed;
                object.error = Some(why.clone());
            }
        }
    }

    /// The artifacts for the status: what was declared, in its place, and what else is stored.
    pub(super) fn outputs(&self, declared: &[OutputArtifact]) -> Vec<OutputArtifact> {
        let mut outputs = declared.to_vec();
        for entry in &self.entries {
            if !entry.fate(&self.objects).0.is_there() {
                continue;
            }
            let (key, url) = (Some(entry.key.clone()), Some(entry.url.clone()));
            match entry
                .delivery
                .declared
                .and_then(|index| outputs.get_mut(index))
            {
                Some(output) => (output.key, output.url) = (key, url),
                None => outputs.push(OutputArtifact {
                    name: entry.delivery.name.clone(),
                    path: entry
                        .delivery
                        .path
                        .as_ref()
                        .map(|path| path.display().to_string()),
                    key,
                    url,
                }),
            }
        }
        for (name, key, url) in &self.own {
            outputs.push(OutputArtifact {
                name: name.clone(),
                path: None,
                key: Some(key.clone()),
                url: Some(url.clone()),
            });
        }
        outputs
    }

    /// Counts.
    pub(super) fn status(&self, store: String) -> UploadsStatus {
        let mut status = UploadsStatus {
            store,
            ..UploadsStatus::default()
        };
        let of_objects = self
            .objects
            .iter()
            .map(|object| (object.result, object.size));
        let of_entries = self.entries.iter();
        let of_entries = of_entries.filter_map(|entry| Some((entry.problem.as_ref()?.0, 0)));
        for (fate, size) in of_objects.chain(of_entries) {
            let count = match fate {
                Fate::Stored => {
                    status.bytes += size;
                    &mut status.objects
                }
                Fate::Unchanged => &mut status.unchanged,
                Fate::Missing => &mut status.missing,
                Fate::Refused => &mut status.refused,
                Fate::Pending => &mut status.pending,
                Fate::Failed => &mut status.failed,
            };
            *count += 1;
        }
        status.manifest = self
            .own
            .iter()
            .find(|(name, ..)| name == super::manifest::NAME)
            .map(|(_, _, url)| url.clone());
        status.problem = self.problem(|_| true);
        status
    }

    /// Says what keeps a run that succeeded from being one, if anything does.
    pub(super) fn undelivered(&self) -> Option<String> {
        self.problem(|delivery| !delivery.optional)
    }

    /// The first problem of those artifacts that count, and how many more there are.
    fn problem(&self, counts: impl Fn(&Delivery) -> bool) -> Option<String> {
        let entries = self.entries.iter().filter(|entry| counts(&entry.delivery));
        let mut problems = entries.filter_map(|entry| {
            let (fate, why) = entry.fate(&self.objects);
            // That something optional is not there is no problem.
            let is_none = fate.is_there() || (fate == Fate::Missing && entry.delivery.optional);
            let why = why.unwrap_or_else(|| NOT_REACHED.to_owned());
            (!is_none).then(|| format!("artifact `{}`: {why}", entry.delivery.name))
        });
        let first = problems.next()?;
        Some(match problems.count() {
            0 => first,
            more => format!("{first} (and {more} more)"),
        })
    }

    /// What is said of each artifact.
    pub(super) fn events(&self) -> Vec<Event> {
        let entries = self.entries.iter();
        entries.map(|entry| self.event(entry)).collect()
    }

    fn event(&self, entry: &Entry) -> Event {
        let (fate, why) = entry.fate(&self.objects);
        let name = &entry.delivery.name;
        let content = match (fate, &why) {
            (Fate::Stored, _) => format!("Artifact {name} is stored at {}", entry.url),
            (Fate::Unchanged, _) => format!("Artifact {name} was there already, at {}", entry.url),
            (_, why) => format!(
                "Artifact {name} is not stored: {}",
                why.as_deref().unwrap_or(NOT_REACHED)
            ),
        };
        let objects = || entry.objects.iter().map(|&index| &self.objects[index]);
        let there = || objects().filter(|object| object.result.is_there());
        let event = Event::new(EventKind::Artifact, Role::System, content)
            .with("name", name.clone())
            .with("key", entry.key.clone())
            .with("url", fate.is_there().then(|| entry.url.clone()))
            .with("result", json!(fate))
            .with("objects", there().count())
            .with("bytes", there().map(|object| object.size).sum::<u64>());
        match (objects().count(), objects().next()) {
            (1, Some(object)) => event.with("sha256", object.sha256.clone()),
            _ => event,
        }
    }
}

/// Why something is still pending at the end.
pub(super) const NOT_REACHED: &str = "there was no time left to store it; `artifacts.timeout`, or the pod's grace period after a signal to stop, says how much there is";

#[cfg(test)]
mod tests;
