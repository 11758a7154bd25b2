use std::ffi::OsStr;

use agent_plan::env::Environment;
use agent_plan::manifest::{Manifests, read};
use agent_plan::resolve::{SecretNeed, SecretPurpose};
use serde_json::{Value, json};

use super::super::remap::Remap;
use super::super::secrets::Secrets;
use super::*;

/// Secrets and a ConfigMap, as a user would apply them.
fn manifests() -> Manifests {
    let all = json!([
        { "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "login" }, "stringData": { "USER": "me", "PLACE": "/workspace", "a=b": "x" } },
        { "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "hosts" }, "data": { "known": "see /workspace" } },
    ]);
    let reading = read(all.to_string().as_bytes(), "all.json");
    Manifests::new([reading]).expect("they are as they should be")
}

fn need(purpose: SecretPurpose) -> SecretNeed {
    SecretNeed {
        secret: "app".to_owned(),
        key: Some("privateKey".to_owned()),
        purpose,
        optional: false,
        opens_repository: false,
        at: None,
    }
}

/// Looks at a pod in `/t` that has these Secrets, and the token of an app.
fn within<T>(look: impl FnOnce(&Surroundings<'_>) -> T) -> T {
    let (manifests, remap) = (manifests(), Remap::new("/t"));
    let needs = [need(SecretPurpose::App)];
    let ours = [("SECRET_APP_TOKEN", "t0ken")];
    let ours = ours.map(|(name, value)| (name.into(), value.into()));
    let ours = Environment::new(ours);
    let secrets = Secrets::given(&manifests, "default", [], &ours);
    let secrets = secrets.expect("nothing is read");
    let secrets = secrets.with_variables(&ours, &needs);
    look(&Surroundings {
        manifests: &manifests,
        namespace: "default",
        secrets: &secrets,
        needs: &needs,
        spots: &std::collections::BTreeMap::new(),
        remap: &remap,
        config_maps: &[],
    })
}

fn pairs(environment: &Environment) -> Vec<(&OsStr, &OsStr)> {
    environment.iter().collect()
}

#[test]
fn variables_come_in_the_order_of_a_kubelet() {
    let container = json!({
        "envFrom": [{ "secretRef": { "name": "login" } }],
        "env": [
            { "name": "A", "value": "/workspace/a" },
            { "name": "USER", "value": "you" },
            { "name": "B", "value": "$(A):$(USER):$(PLACE):$(C):$$(A)" },
            { "name": "C", "valueFrom": { "secretKeyRef": { "name": "login", "key": "PLACE" } } },
            { "name": "D", "valueFrom": { "secretKeyRef": { "name": "login", "key": "none" } } },
            { "name": "VCS_TOKEN", "value": "[secret]" },
        ],
        "args": ["$(PLACE)", "/workspace/b", "$(NOBODY)"],
    });
    within(|pod| {
        let variables = pod.variables(&container).expect("a process can have them");
        let expected = [
            ("PLACE", "/workspace"),
            ("USER", "you"),
            ("A", "/t/workspace/a"),
            ("B", "/t/workspace/a:you:$(PLACE):$(C):$(A)"),
            ("C", "/workspace"),
            ("VCS_TOKEN", "t0ken"),
        ];
        let expected = expected.map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        assert_eq!(pairs(&variables), expected);
        let arguments = pod.arguments(&container, &variables);
        assert_eq!(arguments, ["/workspace", "/t/workspace/b", "$(NOBODY)"]);
    });
}

/// What is mounted of one volume.
fn mounted(volume: Value, mount: Value) -> Result<Mounted, Problem> {
    let (mut volume, mut mount) = (volume, mount);
    volume["name"] = "v".into();
    mount["name"] = "v".into();
    mount["mountPath"] = "/mnt".into();
    let pod = json!({ "containers": [{ "volumeMounts": [mount] }], "volumes": [volume] });
    within(|surroundings| surroundings.mounts(&pod)).map(|mut all| all.remove(0))
}

#[test]
fn files_of_others_are_mounted_as_they_are() {
    let hosts =
        json!({ "configMap": { "name": "hosts", "items": [{ "key": "known", "path": "file" }] } });
    let Ok(Mounted {
        content: Content::Directory(files),
        is_secret,
        ..
    }) = mounted(hosts, json!({}))
    else {
        panic!("it is a directory");
    };
    assert_eq!(
        (files.len(), files[0].0.as_str(), is_secret),
        (1, "file", false)
    );
    assert_eq!(files[0].1.expose(), b"see /workspace");

    let login = json!({ "secret": { "secretName": "login" } });
    let found = mounted(login, json!({ "subPath": "USER" }));
    let Ok(Mounted {
        content: Content::File(file),
        is_secret: true,
        ..
    }) = found
    else {
        panic!("it is a file with a secret");
    };
    assert_eq!(file.expose(), b"me");

    let found = mounted(json!({ "emptyDir": {} }), json!({}));
    assert!(
        matches!(found, Ok(Mounted { content: Content::Directory(files), .. }) if files.is_empty())
    );
}

#[test]
fn what_is_not_there_and_what_is_no_name_is_refused() {
    let item = |key: &str, path: &str| json!({ "configMap": { "name": "hosts", "items": [{ "key": key, "path": path }] } });
    for (key, path) in [
        ("none", "file"),
        ("known", "../file"),
        ("known", ".."),
        ("known", "a/b"),
        ("known", ""),
    ] {
        assert!(mounted(item(key, path), json!({})).is_err(), "{key} {path}");
    }
}
