//! Bytes to manifests.

use super::finding::{ManifestError, ManifestWarning, Spot, TEXT, shown};
use super::{Manifest, Origin, adapter, check, one};
use crate::document::{self, Key, MAX_BYTES, Node, Place, SyntaxError, Tree};
use crate::nearest::nearest;
use crate::resource::{API_VERSION, Kind};

/// Errors, and warnings, beyond which they are only counted: a page of each.
const MAX_FINDINGS: usize = 50;

/// What was read of one text.
#[derive(Debug, Default)]
pub struct Reading {
    /// The manifests that are as they should be.
    pub manifests: Vec<Manifest>,
    /// Why others are not.
    pub errors: Vec<ManifestError>,
    /// What is odd.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads manifests: YAML of several documents, JSON, a JSON list, `kind: List`.
///
/// `file` is what messages call it. Everything that is wrong is found; what is not wrong is read.
pub fn read(bytes: &[u8], file: &str) -> Reading {
    let mut reader = Reader {
        file,
        reading: Reading::default(),
        more_errors: 0,
        more_warnings: 0,
    };
    for (index, node) in reader.documents(bytes).into_iter().enumerate() {
        reader.document(index + 1, node);
    }
    reader.finish()
}

struct Reader<'f> {
    file: &'f str,
    reading: Reading,
    more_errors: usize,
    more_warnings: usize,
}

impl Reader<'_> {
    /// Takes the text apart; of what is none, it says so.
    fn documents(&mut self, bytes: &[u8]) -> Vec<Node> {
        let file = self.file.to_owned();
        let read = if bytes.len() > MAX_BYTES {
            Err(ManifestError::TooLarge { file })
        } else {
            match std::str::from_utf8(bytes) {
                // A byte order mark is none of the text.
                Ok(text) => document::documents(text.strip_prefix('\u{feff}').unwrap_or(text))
                    .map_err(|SyntaxError { place, problem }| ManifestError::Syntax {
                        file,
                        place,
                        problem,
                    }),
                Err(error) => Err(ManifestError::NotUtf8 {
                    file,
                    valid_up_to: error.valid_up_to(),
                }),
            }
        };
        read.unwrap_or_else(|error| {
            self.error(error);
            Vec::new()
        })
    }

    fn document(&mut self, document: usize, node: Node) {
        match node.tree {
            Tree::List(items) => self.items(document, items),
            _ => self.entry(document, None, node),
        }
    }

    fn items(&mut self, document: usize, items: Vec<Node>) {
        for (index, item) in items.into_iter().enumerate() {
            self.entry(document, Some(index + 1), item);
        }
    }

    /// Reads a manifest, or a list of manifests that is written as one.
    fn entry(&mut self, document: usize, item: Option<usize>, node: Node) {
        let Node { tree, place } = node;
        match tree {
            Tree::Map(fields) if is_list(&fields) => {
                let items = fields.into_iter().find(|(key, _)| key.name == "items");
                match items.map(|(_, items)| items.tree) {
                    Some(Tree::List(items)) => self.items(document, items),
                    _ => self.error(ManifestError::Missing {
                        at: self.spot(place, "List".to_owned(), "items"),
                        nearest: None,
                    }),
                }
            }
            tree => self.manifest(document, item, Node { tree, place }),
        }
    }

    fn manifest(&mut self, document: usize, item: Option<usize>, node: Node) {
        if !matches!(node.tree, Tree::Map(_)) {
            return self.error(ManifestError::WrongType {
                at: self.spot(node.place, String::new(), ""),
                expected: "an object".to_owned(),
                found: check::found(&node, &[]),
            });
        }
        let Some(kind) = self.kind(&node) else {
            return;
        };
        let origin = Origin {
            file: self.file.to_owned(),
            document,
            item,
            place: node.place,
        };
        let label = label(kind, &node);
        let mut wrong = false;
        for flaw in check::check(&node, kind.shape()) {
            let at = self.spot(flaw.place, label.clone(), &flaw.path);
            match flaw.what {
                check::What::Unknown(nearest) => {
                    self.warning(ManifestWarning::UnknownField { at, nearest });
                    continue;
                }
                check::What::Missing(nearest) => {
                    self.error(ManifestError::Missing { at, nearest });
                }
                check::What::Wrong { expected, found } => {
                    self.error(ManifestError::WrongType {
                        at,
                        expected,
                        found,
                    });
                }
            }
            wrong = true;
        }
        if wrong {
            return;
        }
        for (path, problem) in adapter::oddities(kind, &node) {
            // To find a place costs as much as there are fields.
            if self.reading.warnings.len() >= MAX_FINDINGS {
                self.more_warnings += 1;
                continue;
            }
            let at = self.spot(node.place_of(&path), label.clone(), &path);
            self.warning(match problem {
                adapter::Oddity::Unknown(nearest) => ManifestWarning::UnknownField { at, nearest },
                adapter::Oddity::Wrong(problem) => ManifestWarning::Adapter { at, problem },
            });
        }
        match one::manifest(kind, origin, node) {
            Ok(manifest) => self.reading.manifests.push(manifest),
            Err(flaws) => {
                for flaw in flaws {
                    let at = self.spot(flaw.place, label.clone(), &flaw.path);
                    self.error(ManifestError::WrongType {
                        at,
                        expected: flaw.expected,
                        found: flaw.found,
                    });
                }
            }
        }
    }

    /// Finds out what it is; of what is none of ours it says so.
    fn kind(&mut self, node: &Node) -> Option<Kind> {
        for field in ["apiVersion", "kind"] {
            if says(node, field).is_none() {
                self.missing(node, field);
            }
        }
        let (version, name) = (says(node, "apiVersion")?, says(node, "kind")?);
        let known = Kind::named(name);
        match known {
            Some(kind) if kind.api_version() == version => return known,
            Some(kind) if group(kind.api_version()) == group(version) => {
                let at = self.spot(node.place_of("apiVersion"), label(kind, node), "apiVersion");
                self.error(ManifestError::Version {
                    at,
                    kind,
                    found: shown(version),
                });
            }
            _ => {
                let ours = [API_VERSION, "v1"].map(group).contains(&group(version));
                let meant = match known {
                    Some(kind) => nearest(version, [kind.api_version()]),
                    None if ours => nearest(name, Kind::ALL.iter().map(|kind| kind.name())),
                    None => None,
                };
                self.warning(ManifestWarning::UnknownKind {
                    at: self.spot(node.place_of("kind"), String::new(), "kind"),
                    api_version: shown(version),
                    kind: shown(name),
                    nearest: meant,
                });
            }
        }
        None
    }

    /// Says that a text at the top is missing, or none.
    fn missing(&mut self, node: &Node, field: &str) {
        let label = says(node, "kind").map_or(String::new(), |kind| one::label(kind, node));
        let at = self.spot(node.place_of(field), label, field);
        if let Some(value) = node.get(field).filter(|node| !node.is_null()) {
            return self.error(ManifestError::WrongType {
                at,
                expected: TEXT.to_owned(),
                found: match value.text() {
                    Some(_) => "empty".to_owned(),
                    None => check::found(value, &[]),
                },
            });
        }
        let names = node.fields().iter().map(|(key, _)| key.name.as_str());
        let nearest = nearest(field, names).map(|name| shown(&name));
        self.error(ManifestError::Missing { at, nearest });
    }

    fn spot(&self, place: Place, manifest: String, path: &str) -> Spot {
        Spot {
            file: self.file.to_owned(),
            place,
            manifest,
            path: path.to_owned(),
        }
    }

    fn error(&mut self, error: ManifestError) {
        if self.reading.errors.len() < MAX_FINDINGS {
            self.reading.errors.push(error);
        } else {
            self.more_errors += 1;
        }
    }

    fn warning(&mut self, warning: ManifestWarning) {
        if self.reading.warnings.len() < MAX_FINDINGS {
            self.reading.warnings.push(warning);
        } else {
            self.more_warnings += 1;
        }
    }

    fn finish(mut self) -> Reading {
        let file = self.file.to_owned();
        if let Some(count) = Some(self.more_errors).filter(|count| *count > 0) {
            let file = file.clone();
            self.reading
                .errors
                .push(ManifestError::More { file, count });
        }
        if let Some(count) = Some(self.more_warnings).filter(|count| *count > 0) {
            self.reading
                .warnings
                .push(ManifestWarning::More { file, count });
        }
        self.reading
    }
}

fn is_list(fields: &[(Key, Node)]) -> bool {
    let mut fields = fields.iter();
    fields.any(|(key, value)| key.name == "kind" && value.text() == Some("List"))
}

/// What a field at the top says, if it says something.
fn says<'n>(node: &'n Node, field: &str) -> Option<&'n str> {
    node.get(field)?.text().filter(|text| !text.is_empty())
}

fn group(version: &str) -> &str {
    version.rsplit_once('/').map_or("", |(group, _)| group)
}

fn label(kind: Kind, node: &Node) -> String {
    one::label(kind.name(), node)
}
