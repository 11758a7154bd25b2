use super::*;
use std::os::unix::fs::symlink;

use bytes::Bytes;
use tempfile::TempDir;

use crate::digest::{sha256, sha256_hex};

/// A store, and a place outside of it.
struct Places {
    store: Directory,
    root: PathBuf,
    outside: PathBuf,
    _directory: TempDir,
}

impl Places {
    fn new() -> Self {
        let directory = TempDir::new().expect("there is room");
        let base = directory.path().canonicalize().expect("it is there");
        let (root, outside) = (base.join("a/store"), base.join("outside"));
        fs::create_dir(&outside).expect("it is new");
        Self {
            store: Directory::new(&root).expect("it can be made"),
            root,
            outside,
            _directory: directory,
        }
    }

    async fn put(&self, key: &str, text: &'static str) -> Result<Option<String>, Fault> {
        self.store.put(&about(key), body(text)).await
    }

    async fn look(&self, key: &str) -> Option<Stored> {
        self.store.look(key).await.expect("it can be looked at")
    }

    /// Every name below the store, directories too.
    fn names(&self) -> Vec<String> {
        let entries = walkdir::WalkDir::new(&self.root)
            .min_depth(1)
            .sort_by_file_name();
        let below = entries.into_iter().map(|entry| {
            let entry = entry.expect("it can be read");
            let name = entry.path().strip_prefix(&self.root).expect("it is below");
            name.display().to_string()
        });
        below.collect()
    }
}

fn about(key: &str) -> About {
    About {
        key: key.to_owned(),
        content_type: "text/plain".to_owned(),
    }
}

fn body(text: &'static str) -> Body {
    Body {
        bytes: Bytes::from_static(text.as_bytes()),
        digest: sha256(text.as_bytes()),
    }
}

#[tokio::test]
async fn what_was_put_is_there_with_its_checksum_and_can_be_replaced() {
    let places = Places::new();
    let key = "runs/a b/ü+%2e/report";
    assert_eq!(places.look(key).await, None);
    for text in ["", "text", "another"] {
        places.put(key, text).await.expect("there is room");
        let expected = Stored {
            sha256: Some(sha256_hex(text.as_bytes())),
            checksum: None,
            size: text.len() as u64,
            etag: None,
        };
        assert_eq!(places.look(key).await, Some(expected));
    }
    let path = places.root.join(key);
    assert_eq!(fs::read(&path).expect("it is there"), b"another");
    let mode = fs::metadata(&path).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777 & !MODE, 0, "nobody may write but us");
    let url = format!("file://{}/{key}", places.root.display());
    assert_eq!(places.store.url(key), url);
    let whole = format!("file://{}", places.root.display());
    assert_eq!(places.store.url(""), whole);
}

#[tokio::test]
async fn parts_in_any_order_become_an_object_when_they_are_complete() {
    let places = Places::new();
    let upload = places.store.begin(&about("runs/large")).await;
    let upload = upload.expect("there is room");
    for (number, offset, text) in [(2, 3, "two"), (1, 0, "one")] {
        let part = upload.part(number, offset, body(text)).await;
        assert_eq!(part.expect("there is room").number, number);
        assert_eq!(places.look("runs/large").await, None);
    }
    upload.complete().await.expect("it is whole");
    let stored = places.look("runs/large").await.expect("it is there");
    assert_eq!(stored.sha256, Some(sha256_hex(b"onetwo")));
    assert_eq!(places.names(), ["runs", "runs/large"]);
}

#[tokio::test]
async fn of_what_is_given_up_nothing_stays() {
    let places = Places::new();
    let upload = places.store.begin(&about("runs/large")).await;
    let upload = upload.expect("there is room");
    upload.part(1, 0, body("one")).await.expect("there is room");
    assert_eq!(
        places.names().len(),
        2,
        "its directory and something unfinished"
    );
    upload.abort().await.expect("it is ours");
    assert_eq!(places.names(), ["runs"]);
    let late = upload.part(2, 3, body("two")).await;
    assert!(late.is_err(), "it has been ended");
    // Nor of what is dropped without a word.
    let upload = places.store.begin(&about("runs/large")).await;
    drop(upload.expect("there is room"));
    assert_eq!(places.names(), ["runs"]);
}

#[tokio::test]
async fn a_link_to_a_directory_leads_nowhere() {
    let places = Places::new();
    fs::write(places.outside.join("report"), "text").expect("there is room");
    symlink(&places.outside, places.root.join("runs")).expect("it is new");
    for key in ["runs/report", "runs/deep/er/report"] {
        assert_eq!(places.look(key).await, None, "{key}");
        let fault = places.put(key, "mine").await.expect_err(key);
        let words = format!("`{key}` cannot be stored: a link leads out of the directory");
        assert_eq!(fault.to_string(), words);
        assert!(places.store.begin(&about(key)).await.is_err());
    }
    let left = fs::read_dir(&places.outside).expect("it is there").count();
    assert_eq!(left, 1, "not even a directory was made there");
    let text = fs::read(places.outside.join("report")).expect("it is there");
    assert_eq!(text, b"text");
}

#[tokio::test]
async fn a_link_in_the_place_of_an_object_is_replaced_and_not_followed() {
    let places = Places::new();
    let target = places.outside.join("report");
    fs::write(&target, "text").expect("there is room");
    symlink(&target, places.root.join("report")).expect("it is new");
    assert_eq!(places.look("report").await, None);
    places.put("report", "mine").await.expect("there is room");
    assert_eq!(fs::read(&target).expect("it is there"), b"text");
    let stored = places.look("report").await.expect("it is there");
    assert_eq!(stored.sha256, Some(sha256_hex(b"mine")));
}

#[tokio::test]
async fn what_never_ends_is_no_object_and_is_not_waited_for() {
    let places = Places::new();
    let fifo = places.root.join("report");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("it is new");
    assert_eq!(places.look("report").await, None);
}

#[tokio::test]
async fn an_object_and_a_directory_cannot_have_one_name() {
    let places = Places::new();
    places.put("a", "text").await.expect("there is room");
    assert!(places.put("a/b", "text").await.is_err());
    places.put("c/d", "text").await.expect("there is room");
    let fault = places
        .put("c", "text")
        .await
        .expect_err("it is a directory");
    assert!(!fault.is_general, "others can be stored");
    assert_eq!(places.names(), ["a", "c", "c/d"], "nothing unfinished");
}

#[test]
fn a_store_that_cannot_be_made_is_an_error() {
    let places = Places::new();
    fs::write(places.outside.join("file"), "").expect("there is room");
    assert!(Directory::new(&places.outside.join("file/below")).is_err());
}
