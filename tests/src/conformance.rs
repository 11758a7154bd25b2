//! Runs of the controller, in a mount namespace that looks like their pod.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Ended, Run, binary};

/// One run of the controller.
#[derive(Debug)]
pub struct Case {
    folder: PathBuf,
    /// What the controller's own runner made of it.
    pub expected: Value,
    job: Value,
    /// Values of `vcs` in its payload that are others here, because the hosts of the case are not.
    vcs: Vec<(String, String)>,
    /// Values of `adapter.codex` that are others here, by their places.
    codex: Vec<(String, Value)>,
    /// What the case only names, out of a Secret or another ConfigMap, by its key.
    held: BTreeMap<String, String>,
}

/// What the agent's executable is in the pod.
#[derive(Debug, Clone, Copy)]
pub enum Agent {
    /// What the image has under that path.
    Real,
    /// A recorder that prints how it was called.
    Recorder,
}

/// A pod of a case that has ended.
#[derive(Debug)]
pub struct Pod {
    /// How it ended.
    pub ended: Ended,
    /// Inode of the termination file before the run.
    pub inode: u64,
}

impl Case {
    /// Reads the case of this name.
    pub fn named(name: &str) -> Self {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/conformance");
        Self::in_folder(cases.join(name))
    }

    /// Reads the case in this folder.
    pub fn in_folder(folder: PathBuf) -> Self {
        let mut case = Self {
            folder,
            expected: Value::Null,
            job: Value::Null,
            vcs: Vec::new(),
            codex: Vec::new(),
            held: BTreeMap::new(),
        };
        case.expected = case.json("expected.json").expect("every case has one");
        case.job = case.json("job.json").expect("every case has one");
        case
    }

    /// Replaces a value of `vcs` in the payload.
    #[must_use]
    pub fn vcs(mut self, key: &str, value: impl Into<String>) -> Self {
        self.vcs.push((key.to_owned(), value.into()));
        self
    }

    /// Says what a Secret or a ConfigMap holds under a key.
    #[must_use]
    pub fn holding(mut self, key: &str, content: impl Into<String>) -> Self {
        self.held.insert(key.to_owned(), content.into());
        self
    }

    /// Replaces a value of `adapter.codex`, in the spec and in what is expected of it.
    #[must_use]
    pub fn codex(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let place = self.expected["codex"].pointer_mut(pointer);
        *place.expect("it is in the spec") = value.clone();
        self.codex.push((pointer.to_owned(), value));
        self
    }

    fn json(&self, name: &str) -> Option<Value> {
        let bytes = fs::read(self.folder.join(name)).ok()?;
        Some(serde_json::from_slice(&bytes).expect("test data is JSON"))
    }

    fn container(&self) -> &Value {
        &self.job["spec"]["template"]["spec"]["containers"][0]
    }

    /// The variables that the Job sets; those out of a Secret are left out.
    pub fn env(&self) -> Vec<(&str, &str)> {
        list(&self.container()["env"])
            .iter()
            .filter_map(|entry| Some((string(&entry["name"]), entry["value"].as_str()?)))
            .collect()
    }

    /// A variable that the Job sets.
    pub fn env_of(&self, name: &str) -> &str {
        let found = self.env().into_iter().find(|(known, _)| *known == name);
        found.expect("the Job sets it").1
    }

    /// Writes each file of a ConfigMap volume, and returns where it is and where it is mounted.
    pub fn mounts(&self, dir: &Path) -> Vec<(PathBuf, String)> {
        let volumes = list(&self.job["spec"]["template"]["spec"]["volumes"]);
        let maps: Vec<Value> = [
            "configmap.json",
            "inputs-configmap.json",
            "system-prompt-configmap.json",
        ]
        .iter()
        .filter_map(|name| self.json(name))
        .collect();
        let content = |volume: &Value, key: &str| {
            let named = |map: &&Value| map["metadata"]["name"] == volume["configMap"]["name"];
            let map = maps.iter().find(named);
            let text = map.and_then(|map| map["data"][key].as_str());
            let text = text.or_else(|| self.held.get(key).map(String::as_str));
            self.moved(key, text.expect("every volume has its content"))
        };
        fs::create_dir_all(dir.join("config")).expect("a folder can be made");
        let mut mounts = Vec::new();
        for mount in list(&self.container()["volumeMounts"]) {
            let volume = volumes
                .iter()
                .find(|volume| volume["name"] == mount["name"])
                .expect("every mount has its volume");
            let target = string(&mount["mountPath"]);
            let files = match mount["subPath"].as_str() {
                Some(key) => vec![(key, target.to_owned())],
                None => items(volume)
                    .map(|(key, path)| (key, format!("{target}/{path}")))
                    .collect(),
            };
            for (key, target) in files {
                let source = dir.join("config").join(key);
                fs::write(&source, content(volume, key)).expect("a file can be written");
                mounts.push((source, target));
            }
        }
        mounts
    }

    /// A file of the case with the values that are others here.
    fn moved(&self, key: &str, content: &str) -> String {
        let changes = match key {
            "run.json" => self.vcs.len(),
            "agent-runner.json" => self.codex.len(),
            _ => 0,
        };
        if changes == 0 {
            return content.to_owned();
        }
        let mut file: Value = serde_json::from_str(content).expect("it is JSON");
        if key == "run.json" {
            for (key, value) in &self.vcs {
                file["vcs"][key] = json!(value);
            }
        } else {
            for (place, value) in &self.codex {
                let place = file["adapter"]["codex"].pointer_mut(place);
                *place.expect("it is in the spec") = value.clone();
            }
        }
        file.to_string()
    }

    /// Runs the case in a mount namespace that looks like its pod.
    pub fn run(&self, agent: Agent) -> Pod {
        let env = self.env();
        self.run_with(agent, env, "")
    }

    /// Runs it with another environment, and with more files.
    pub fn run_with(&self, agent: Agent, env: Vec<(&str, &str)>, more: &str) -> Pod {
        let mut run = Run::new().spec("/artifacts/statusPath", json!("kubelet/status.json"));
        let dir = run.dir().to_owned();
        for folder in ["root", "workspace", "kubelet"] {
            fs::create_dir(dir.join(folder)).expect("a folder can be made");
        }
        // As the kubelet does: there already, empty, and mounted as one file.
        let termination = dir.join("kubelet/status.json");
        fs::write(&termination, "").expect("a file can be written");
        let inode = inode(&termination);

        let mut script = POD.to_owned();
        for (source, target) in self.mounts(&dir) {
            let _ = writeln!(script, "mount_file '{}' '{target}' ro", source.display());
        }
        let _ = writeln!(
            script,
            "mount_file '{}' '{}' rw",
            termination.display(),
            string(&self.container()["terminationMessagePath"])
        );
        let _ = writeln!(
            script,
            "mount_file '{}' /usr/local/bin/agent-runner ro",
            binary("agent-runner").display()
        );
        if let Agent::Recorder = agent {
            let recorder = binary("show-call");
            let at = string(&self.expected["binary"]);
            let _ = writeln!(script, "mount_file '{}' '{at}' ro", recorder.display());
        }
        // The controller never says one, and then it is the image's.
        let working_dir = self.container()["workingDir"].as_str().unwrap_or("/");
        let _ = writeln!(script, "working_dir='{working_dir}'");
        script.push_str(more);
        script.push_str(INTO_THE_POD);
        for (name, value) in env {
            run = run.env(name, value);
        }
        let ended = run.mounting(&script).start_with(None).end();
        Pod { ended, inode }
    }
}

/// A root of its own, with the machine's programs and an empty /workspace.
const POD: &str = r#"
root="$dir/root"
mount -t tmpfs pod "$root"
for entry in /*; do
    if [ -L "$entry" ]; then cp -P "$entry" "$root$entry"
    elif [ -d "$entry" ] && [ "$entry" != /workspace ]; then
        mkdir "$root$entry"
        mount --rbind "$entry" "$root$entry"
    fi
done
mkdir "$root/workspace"
mount --bind "$dir/workspace" "$root/workspace"
mount -t tmpfs bin "$root/usr/local/bin"
mount -t tmpfs run "$root/run"
mount_file() {
    # Where this is a link, it is one to a path of the machine.
    case $2 in /var/run/*) [ ! -L /var/run ] || set -- "$1" "${2#/var}" "$3";; esac
    mkdir -p "$root${2%/*}"
    [ -e "$root$2" ] || : > "$root$2"
    mount --bind "$1" "$root$2"
    [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
}
"#;

/// The first argument is the runner's path outside.
const INTO_THE_POD: &str = r#"
shift
set -- chroot "$root" env -C "$working_dir" /usr/local/bin/agent-runner "$@"
"#;

impl Pod {
    /// A path of the pod as it is outside of it, below /workspace.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.ended.dir.path().join(inside.trim_start_matches('/'))
    }

    /// What the recorder printed.
    #[track_caller]
    pub fn call(&self) -> Value {
        serde_json::from_slice(&self.ended.stdout).unwrap_or_else(|_| {
            panic!("no record; stderr: {}", self.ended.stderr);
        })
    }
}

/// The files of a volume that is mounted as a folder: key and path.
fn items(volume: &Value) -> impl Iterator<Item = (&str, &str)> {
    let sources = ["configMap", "secret"].map(|source| list(&volume[source]["items"]));
    let items = sources.into_iter().flatten();
    items.map(|item| (string(&item["key"]), string(&item["path"])))
}

/// The list that a value is; empty if it is none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text that a value is.
pub fn string(value: &Value) -> &str {
    value.as_str().expect("it is text")
}

/// The inode of a file.
pub fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("it is there").ino()
}
