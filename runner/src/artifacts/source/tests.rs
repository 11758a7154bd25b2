use super::*;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

/// A workspace and a place outside of it, both without links in their paths.
struct Places {
    root: PathBuf,
    outside: PathBuf,
    _directory: TempDir,
}

impl Places {
    fn new() -> Self {
        let directory = TempDir::new().expect("there is room");
        let base = directory.path().canonicalize().expect("it is there");
        let (root, outside) = (base.join("workspace"), base.join("outside"));
        for place in [&root, &outside] {
            fs::create_dir(place).expect("it is new");
            fs::write(place.join("report"), "text").expect("there is room");
        }
        Self {
            root,
            outside,
            _directory: directory,
        }
    }

    fn resolve(&self, path: impl AsRef<Path>) -> Result<PathBuf, SourceError> {
        resolve(path.as_ref(), std::slice::from_ref(&self.root))
    }
}

#[track_caller]
fn is_outside(resolved: Result<PathBuf, SourceError>, target: &Path) {
    match resolved {
        Err(SourceError::Outside { target: to, .. }) => assert_eq!(to, target),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_may_lead_to_another_place_in_the_workspace() {
    let places = Places::new();
    symlink("report", places.root.join("latest")).expect("it is new");
    let resolved = places.resolve(places.root.join("latest"));
    assert_eq!(resolved.expect("it is inside"), places.root.join("report"));
}

#[test]
fn a_link_that_leads_out_of_the_workspace_is_refused() {
    let places = Places::new();
    let (link, directory) = (places.root.join("link"), places.root.join("directory"));
    let target = places.outside.join("report");
    symlink(&target, &link).expect("it is new");
    symlink(&places.outside, &directory).expect("it is new");
    is_outside(places.resolve(&link), &target);
    is_outside(places.resolve(directory.join("report")), &target);
    let dots = places.root.join("../outside/report");
    is_outside(places.resolve(dots), &target);
}

#[test]
fn a_workspace_that_is_itself_behind_a_link_is_one() {
    let places = Places::new();
    let link = places.outside.join("link");
    symlink(&places.root, &link).expect("it is new");
    let resolved = resolve(&link.join("report"), std::slice::from_ref(&link));
    assert_eq!(resolved.expect("it is inside"), places.root.join("report"));
}

#[test]
fn a_file_elsewhere_is_stored_if_it_is_no_link_itself() {
    let places = Places::new();
    let (report, link) = (places.outside.join("report"), places.outside.join("link"));
    let directory = places.outside.join("directory");
    symlink(&report, &link).expect("it is new");
    symlink(&places.outside, &directory).expect("it is new");
    assert_eq!(places.resolve(&report).expect("it is plain"), report);
    // Such as `/var/run`, which the image has as a link.
    let through = places.resolve(directory.join("report"));
    assert_eq!(through.expect("only its directory is a link"), report);
    is_outside(places.resolve(&link), &report);
}

#[test]
fn a_way_out_of_the_workspace_is_refused_however_it_is_written() {
    let places = Places::new();
    let name = places.root.file_name().expect("it has one");
    symlink(&places.outside, places.root.join("directory")).expect("it is new");
    symlink(&places.root, places.outside.join("back")).expect("it is new");
    let target = places.outside.join("report");
    for way in [
        places.outside.join("..").join(name),
        places.outside.join("back"),
        places.root.join("directory/back"),
    ] {
        is_outside(places.resolve(way.join("directory/report")), &target);
    }
}

#[test]
fn the_root_directory_is_no_workspace_in_which_everything_may_lead_everywhere() {
    let places = Places::new();
    let link = places.root.join("link");
    let target = places.outside.join("report");
    symlink(&target, &link).expect("it is new");
    let roots = [PathBuf::from("/")];
    is_outside(resolve(&link, &roots), &target);
    is_outside(resolve(Path::new("/"), &roots), Path::new("/"));
    let report = places.root.join("report");
    assert_eq!(resolve(&report, &roots).expect("it is plain"), report);
}

#[test]
fn what_the_kernel_makes_up_is_refused_however_it_is_reached() {
    let places = Places::new();
    let own = format!("/proc/{}/environ", std::process::id());
    let link = places.root.join("link");
    symlink("/proc/self/environ", &link).expect("it is new");
    is_outside(places.resolve(&link), Path::new(&own));
    is_outside(places.resolve("/proc/self/environ"), Path::new(&own));
    is_outside(places.resolve("/dev/zero"), Path::new("/dev/zero"));
    // Not even where somebody has made it the workspace.
    let roots = [PathBuf::from("/proc")];
    let resolved = resolve(Path::new("/proc/self/environ"), &roots);
    is_outside(resolved, Path::new(&own));
}

#[test]
fn what_is_not_there_is_missing() {
    let places = Places::new();
    let dangling = places.root.join("dangling");
    symlink("nowhere", &dangling).expect("it is new");
    let below = places.root.join("report/below");
    for path in [places.root.join("nothing"), dangling, below] {
        let resolved = places.resolve(&path);
        let Err(SourceError::Missing { path: missing }) = &resolved else {
            panic!("{}: {resolved:?}", path.display());
        };
        assert_eq!(*missing, path);
        let opened = open(&path);
        let is_link = path.is_symlink();
        match opened {
            Err(SourceError::NotAFile { .. }) if is_link => {}
            Err(SourceError::Missing { .. }) if !is_link => {}
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

#[test]
fn only_regular_files_are_opened_and_a_fifo_does_not_wait_for_a_writer() {
    let places = Places::new();
    let fifo = places.root.join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).expect("it is new");
    let socket = places.root.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("it is new");
    for path in [
        &fifo,
        &socket,
        &places.root,
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
    ] {
        let opened = open(path);
        assert!(
            matches!(opened, Err(SourceError::NotAFile { .. })),
            "{}: {opened:?}",
            path.display()
        );
    }
}

#[test]
fn a_file_that_becomes_a_link_after_it_was_looked_at_is_not_read() {
    let places = Places::new();
    let report = places.root.join("report");
    let resolved = places.resolve(&report).expect("it is plain");
    fs::remove_file(&report).expect("it is there");
    symlink(places.outside.join("report"), &report).expect("it is gone");
    let opened = open(&resolved);
    assert!(
        matches!(opened, Err(SourceError::NotAFile { .. })),
        "{opened:?}"
    );
}

#[test]
fn a_directory_that_becomes_a_link_after_it_was_looked_at_is_not_gone_through() {
    let places = Places::new();
    let directory = places.root.join("directory");
    fs::create_dir(&directory).expect("it is new");
    fs::write(directory.join("report"), "text").expect("there is room");
    let resolved = places.resolve(directory.join("report"));
    let resolved = resolved.expect("it is plain");
    fs::rename(&directory, places.root.join("old")).expect("it is there");
    symlink(&places.outside, &directory).expect("it is gone");
    match open(&resolved) {
        Err(SourceError::Outside { target, .. }) => {
            assert_eq!(target, places.outside.join("report"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_that_is_no_text_is_opened_like_any_other() {
    let places = Places::new();
    let path = places.root.join(std::ffi::OsStr::from_bytes(b"a\xff\nb"));
    fs::write(&path, "text").expect("there is room");
    let resolved = places.resolve(&path).expect("it is plain");
    let about = open(&resolved).expect("it is a file").metadata();
    assert_eq!(about.expect("it is open").len(), 4);
}
