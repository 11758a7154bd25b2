//! The pod of a run (contract §3.2, §3.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a run says about its pod.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Image of the container; wins over the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Wins key by key over the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ComputeResources>,
    /// Volumes and where they are mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<Volume>>,
}

/// What a provider says about the pods of its runs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderWorkload {
    /// Image of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Wins key by key over the controller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ComputeResources>,
    /// Service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// A token for somebody else than the cluster, as a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_token: Option<ServiceAccountToken>,
}

/// Compute resources of a container, as Kubernetes has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeResources {
    /// Quantities by resource: `cpu`, `memory`, `ephemeral-storage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Map<String, Value>>,
    /// Quantities by resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Map<String, Value>>,
}

/// A token of the pod's service account, mounted as `<mountPath>/token`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountToken {
    /// For whom, at most 253 units of UTF-16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Seconds, from 600 to 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_seconds: Option<i64>,
    /// Directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
}

/// A volume and where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: VolumeKind,
    /// Absolute path in the pod.
    pub mount_path: String,
    /// Whether it is mounted read-only; default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Of a `pvc`: the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_name: Option<String>,
    /// Of a `secret`: the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Of an `emptyDir`: `Memory`, or absent for the node's disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// Of an `emptyDir`: a quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<String>,
}

/// What a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VolumeKind {
    /// An empty directory that lives as long as the pod.
    EmptyDir,
    /// A claim on a persistent volume.
    Pvc,
    /// The keys of a Secret as files.
    Secret,
}
