//! Files of every size arrive whole, and as many as there are.

use std::process::Command;
use std::time::Duration;

use agent_tests::{Ended, Run, S3Fault, S3Object, S3Operation, S3Server};
use serde_json::json;

use crate::scene::{MIB, assert_stored, declaring, key, noise, storing, uploads};

/// SHA-256 of a file by somebody else's program.
fn sha256_of(path: &std::path::Path) -> String {
    let output = Command::new("sha256sum").arg(path).output();
    let output = output.expect("`sha256sum` is part of the system").stdout;
    let text = String::from_utf8(output).expect("it is hexadecimal");
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Checks that an object is a file of the run, and says so.
#[track_caller]
fn assert_whole(server: &S3Server, ended: &Ended, path: &str) -> S3Object {
    let object = server.object(&key(path)).expect("it is stored");
    let file = ended.dir.path().join(path);
    let size = std::fs::metadata(&file).expect("it is there").len();
    assert_eq!(object.length, size, "{path}");
    let sum = sha256_of(&file);
    assert_eq!(object.sha256(), sum, "{path}");
    assert!(object.tells_its_content(), "{path}");
    assert!(object.checksum_sha256.is_some(), "{path}");
    object
}

#[test]
fn files_around_the_size_of_one_request_arrive_whole() {
    let server = S3Server::new();
    let sizes = [0, 1, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1];
    let names = ["none", "one", "below", "at", "above"];
    let run = declaring(storing(Run::new(), &server), &names);
    for (name, size) in names.iter().zip(sizes) {
        noise(&run.path(name), size);
    }
    let ended = run.end();
    assert_stored(&server, &ended, 5);
    assert_eq!(uploads(&ended)["bytes"], sizes.iter().sum::<u64>());
    for name in names {
        let object = assert_whole(&server, &ended, name);
        // 6 MiB, 6 MiB, 4 MiB and 1 byte.
        assert_eq!(object.parts, (name == "above").then_some(3), "{name}");
    }
    // Nobody has stored them before, so only of the large one it is worth to ask.
    let heads = server.requests_for(S3Operation::Head);
    let keys: Vec<_> = heads.iter().map(|request| &*request.key).collect();
    assert_eq!(keys, [key("above")]);
}

#[test]
fn a_quarter_of_a_gib_arrives_in_parts_several_at_once() {
    // Whatever takes longer here, reading or storing, a part waits for others.
    let held = S3Fault::delay(Duration::from_millis(150)).on(S3Operation::Part);
    let server = S3Server::new().fault(held);
    let run = declaring(storing(Run::new(), &server), &["large"]);
    noise(&run.path("large"), 256 * MIB);
    let ended = run.end();
    assert_stored(&server, &ended, 1);
    let object = assert_whole(&server, &ended, "large");
    assert_eq!(object.parts, Some(43));
    assert!(server.concurrent_max() > 1);
    let most = server.concurrent_max();
    assert!(most <= 4, "four parts have room in memory, not {most}");
}

#[test]
fn five_thousand_small_files_arrive_under_their_names() {
    let server = S3Server::new();
    let run = storing(Run::new(), &server);
    let name = |index: usize| format!("{}/{}/file {index}.txt", index % 7, index % 50);
    let content = |index: usize| format!("this is {index}\n");
    for index in 0..5_000 {
        let path = run.path("tree").join(name(index));
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        std::fs::write(path, content(index)).expect("it can be written");
    }
    let declared = json!([{ "name": "tree", "path": "tree", "key": "all of it/" }]);
    let ended = run.spec("/adapter/exec/outputArtifacts", declared).end();
    assert_stored(&server, &ended, 5_000);
    assert_eq!(server.keys("all of it/").len(), 5_000);
    for index in 0..5_000 {
        let object = server.object(&format!("all of it/{}", name(index)));
        assert_eq!(object.expect("it is stored").text(), content(index));
    }
    // Each was sent once, and they share few connections.
    assert_eq!(server.requests().len(), 5_000);
    assert!(server.connections() <= 16, "{}", server.connections());
    let most = server.concurrent_max();
    assert!((2..=8).contains(&most), "{most}");
    let artifact = &ended.status["artifacts"]["outputArtifacts"][0];
    assert_eq!(artifact["url"], "s3://runs/all of it/", "{}", ended.status);
}
