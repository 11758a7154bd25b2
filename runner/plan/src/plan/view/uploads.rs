//! What is stored after the run, as others see it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Plan;
use crate::plan::{S3Plan, StorePlan};
use crate::settings::{Addressing, Included, When};

/// What is stored after the run, and where.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UploadsView {
    /// Where; null: nowhere.
    pub store: Option<StoreView>,
    /// Why nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What keys that nobody wrote begin with.
    pub prefix: String,
    /// The artifacts.
    pub deliveries: Vec<DeliveryView>,
    /// The runner's own files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Included>,
}

/// A store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StoreView {
    /// Its endpoint: a URL, `aws`, or `file://` and a directory.
    pub endpoint: String,
    /// The bucket; of a directory, it is a part of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The region that requests are signed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where the bucket's name stands in a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addressing: Option<Addressing>,
    /// The kind of credentials, and never these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<&'static str>,
}

/// An artifact that is stored.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeliveryView {
    /// Its name.
    pub name: String,
    /// The file, directory or pattern.
    pub path: Option<String>,
    /// Its key, or what the keys of its files begin with; null: it has none that can be stored under.
    pub key: Option<String>,
    /// Whether it may be a directory or a pattern.
    pub tree: bool,
    /// After which runs.
    pub when: When,
    /// Whether the run may do without.
    pub optional: bool,
}

impl Plan {
    pub(super) fn uploads_view(&self, clean: &impl Fn(&str) -> String) -> Option<UploadsView> {
        let plan = &self.artifacts;
        if plan.is_idle() {
            return None;
        }
        let deliveries = plan.deliveries.iter().map(|delivery| DeliveryView {
            name: clean(&delivery.name),
            path: (delivery.path.as_ref()).map(|path| clean(&path.to_string_lossy())),
            key: delivery.key.as_deref().ok().map(clean),
            tree: delivery.is_tree,
            when: delivery.when,
            optional: delivery.optional,
        });
        Some(UploadsView {
            store: plan.store.as_ref().ok().map(|store| view(store, clean)),
            problem: (plan.store.as_ref().err()).map(|error| clean(&error.to_string())),
            prefix: clean(&plan.prefix),
            deliveries: deliveries.collect(),
            include: plan.include.clone(),
        })
    }
}

fn view(store: &StorePlan, clean: &impl Fn(&str) -> String) -> StoreView {
    match store {
        StorePlan::Directory(path) => StoreView {
            endpoint: clean(&format!("file://{}", path.display())),
            bucket: None,
            region: None,
            addressing: None,
            credentials: None,
        },
        StorePlan::S3(S3Plan {
            endpoint,
            bucket,
            region,
            path_style,
            credentials,
            ..
        }) => StoreView {
            endpoint: endpoint.as_deref().map_or("aws".to_owned(), clean),
            bucket: Some(clean(bucket)),
            region: Some(clean(region)),
            addressing: Some(if *path_style {
                Addressing::Path
            } else {
                Addressing::Virtual
            }),
            credentials: Some(credentials.kind()),
        },
    }
}
