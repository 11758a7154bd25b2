//! Who speaks, in every payload, under each of the names that subscribers know.

use std::borrow::Cow;

use serde::ser::SerializeMap;

use super::attrs::stripped;
use super::cut;
use super::{Prefix, Wire};
use crate::record::Speaker;

/// Which of its names a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// `agent_run_…`, and the copies in camel case.
    AgentRun,
    /// And those of 0.9.1, `workflow_…`.
    Both,
}

/// Who speaks. Texts are without NUL, and none is blank.
#[derive(Debug, Clone)]
pub(super) struct Identity<'a> {
    pub(super) uid: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) agent: Option<Cow<'a, str>>,
    run: Option<Cow<'a, str>>,
    step: Option<Cow<'a, str>>,
    stage: Option<Cow<'a, str>>,
    repository: Option<Cow<'a, str>>,
    branch: Option<Cow<'a, str>>,
    issue: Option<u64>,
    family: Family,
    /// Whether only one name of each family is said.
    is_lean: bool,
}

impl<'a> Identity<'a> {
    /// Returns who speaks; a value that is blank is none.
    pub(super) fn new(speaker: &'a Speaker, wire: &Wire) -> Self {
        let said = |text: &'a str| Some(stripped(text)).filter(|text| !text.trim().is_empty());
        let optional = |text: &'a Option<String>| text.as_deref().and_then(said);
        Self {
            uid: said(&speaker.run_uid),
            name: optional(&speaker.run_name),
            namespace: optional(&speaker.run_namespace),
            agent: said(&speaker.agent_id),
            run: optional(&speaker.run_id),
            step: optional(&speaker.step_id),
            stage: optional(&speaker.stage),
            repository: optional(&speaker.repository),
            branch: optional(&speaker.branch),
            issue: speaker.issue_number,
            family: match wire.prefix {
                Prefix::AgentRun => Family::AgentRun,
                Prefix::Workflow | Prefix::Other(_) => Family::Both,
            },
            is_lean: false,
        }
    }

    /// Cuts every value to so many bytes of JSON, and says each under fewer names.
    pub(super) fn shrink(&mut self, bytes: usize) {
        self.is_lean = true;
        let values = [
            &mut self.uid,
            &mut self.name,
            &mut self.namespace,
            &mut self.agent,
            &mut self.run,
            &mut self.step,
            &mut self.stage,
            &mut self.repository,
            &mut self.branch,
        ];
        for value in values.into_iter().flatten() {
            cut::shorten(value, bytes);
        }
    }

    /// Writes the members.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let families: [(_, [&str; 4], _); 5] = [
            (
                &self.uid,
                [
                    "agent_run_uid",
                    "agentRunUid",
                    "workflow_uid",
                    "workflowUid",
                ],
                true,
            ),
            (
                &self.name,
                [
                    "agent_run_name",
                    "agentRunName",
                    "workflow_name",
                    "workflowName",
                ],
                true,
            ),
            (
                &self.namespace,
                [
                    "agent_run_namespace",
                    "agentRunNamespace",
                    "workflow_namespace",
                    "workflowNamespace",
                ],
                true,
            ),
            (
                &self.step,
                [
                    "agent_run_step",
                    "agentRunStep",
                    "workflow_step",
                    "workflowStep",
                ],
                false,
            ),
            (
                &self.stage,
                [
                    "agent_run_stage",
                    "agentRunStage",
                    "workflow_stage",
                    "workflowStage",
                ],
                false,
            ),
        ];
        for (value, names, is_needed) in &families {
            let Some(value) = value else { continue };
            for (index, name) in names.iter().enumerate() {
                let (is_copy, is_old) = (index % 2 == 1, index >= 2);
                let is_spared = self.is_lean && (is_copy || !is_needed);
                let is_wanted = !is_spared && (!is_old || self.family == Family::Both);
                if is_wanted {
                    map.serialize_entry(name, value)?;
                }
            }
        }
        let others = [
            ("run_id", &self.run, true),
            ("runId", &self.run, !self.is_lean),
            ("agent_id", &self.agent, true),
            ("step_id", &self.step, true),
            ("stage", &self.stage, true),
            ("repository", &self.repository, true),
            ("branch", &self.branch, true),
        ];
        for (name, value, is_wanted) in others {
            if let Some(value) = value
                && is_wanted
            {
                map.serialize_entry(name, value)?;
            }
        }
        match self.issue {
            Some(number) => map.serialize_entry("issueNumber", &number),
            None => Ok(()),
        }
    }
}
