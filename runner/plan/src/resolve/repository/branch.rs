//! Where the work starts and where it goes (contract §4.3).

use serde_json::{Value, json};

use crate::manifest::Found;
use crate::resource::{AgentRun, Strings, VersionControlProvider};
use crate::template::trim;

use super::super::field::Field;
use super::super::metadata::flat;
use super::super::notes::Notes;
use super::super::parameters::first;
use super::super::render::render;
use super::super::said;
use super::policy::Mode;
use super::{Inquiry, Stop};

impl Inquiry<'_, '_> {
    /// The branch to start from and the branch to write to; empty: none.
    pub(super) fn branches(
        &self,
        provider: Found<'_, VersionControlProvider>,
        repository: &str,
        mode: Mode,
        notes: &mut Notes,
    ) -> Result<(String, String), Stop> {
        let defaults = provider.object.spec.defaults.clone().unwrap_or_default();
        let field = Field::of(provider.manifest, "spec.defaults");
        let base = self.known.get("base");
        let base = base.or(said(defaults.base_branch.as_deref()));
        let base = base.unwrap_or_default().to_owned();
        let mut head = self.known.get("head").unwrap_or_default().to_owned();
        let own = || format!("codex/{}", self.ask.name());
        let mut roots = self.roots();
        if let (true, Some(template)) = (head.is_empty(), said(defaults.branch_template.as_deref()))
        {
            let field = field.key("branchTemplate");
            let branch = render(template, &roots, &field, notes).map_err(Stop::Refuse)?;
            let branch = trim(&branch);
            // A part that became nothing makes it the branch of another run, or none.
            let is_whole = branch.split('/').all(|part| !part.is_empty());
            head = if is_whole { branch.to_owned() } else { own() };
        }
        if head.is_empty() && mode == Mode::ReadWrite {
            head = own();
        }
        let suffix = said(defaults.branch_conflict_suffix_template.as_deref());
        if let Some(template) = suffix.filter(|_| self.is_taken(repository, &head)) {
            for key in ["branch", "headBranch"] {
                roots[key] = head.as_str().into();
            }
            let field = field.key("branchConflictSuffixTemplate");
            let suffix = render(template, &roots, &field, notes).map_err(Stop::Refuse)?;
            head = with_suffix(head, &suffix);
        }
        Ok((base, head))
    }

    fn roots(&self) -> Value {
        let mut roots = flat(&self.known.map, self.parameters);
        let run = json!({ "name": self.ask.name(), "namespace": self.ask.namespace() });
        roots.insert("agentRun".to_owned(), run);
        roots.insert("event".to_owned(), self.known.event.clone().into());
        roots.into()
    }

    /// Says whether another run that has not ended writes to the branch.
    fn is_taken(&self, repository: &str, head: &str) -> bool {
        let mut runs = self.ask.manifests.of::<AgentRun>();
        let here = self.ask.run.manifest;
        !head.is_empty()
            && runs.any(|run| {
                run.manifest.namespace() == here.namespace()
                    && run.manifest.name() != here.name()
                    && is_active(run.object)
                    && repository_of(run.object)
                        .is_some_and(|other| other.to_lowercase() == repository.to_lowercase())
                    && branch_of(run.object) == Some(trim(head))
            })
    }
}

fn with_suffix(branch: String, suffix: &str) -> String {
    let suffix = trim(suffix).trim_start_matches(['-', '/']);
    if suffix.is_empty() {
        return branch;
    }
    let dash = if branch.ends_with(['/', '-']) {
        ""
    } else {
        "-"
    };
    format!("{branch}{dash}{suffix}")
}

fn status<'r>(run: &'r AgentRun, pointer: &str) -> Option<&'r str> {
    said(run.status.as_ref()?.pointer(pointer)?.as_str())
}

fn is_active(run: &AgentRun) -> bool {
    let ended = ["Succeeded", "Failed", "Cancelled"];
    !status(run, "/phase").is_some_and(|phase| ended.contains(&phase))
}

fn parameter<'r>(run: &'r AgentRun, names: &[&str]) -> Option<&'r str> {
    let parameters: &Strings = run.spec.parameters.as_ref()?;
    first(parameters, names)
}

fn repository_of(run: &AgentRun) -> Option<&str> {
    let names = ["repository", "repo", "issueRepository"];
    status(run, "/vcs/repository").or_else(|| parameter(run, &names))
}

fn branch_of(run: &AgentRun) -> Option<&str> {
    let names = ["head", "headBranch", "head_ref", "headRef", "branch"];
    status(run, "/vcs/headBranch")
        .or_else(|| status(run, "/vcs/branch"))
        .or_else(|| parameter(run, &names))
}
