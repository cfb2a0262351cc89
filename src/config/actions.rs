//! `actions`: what actions may do beyond what each bot may.

use serde::Deserialize;

use crate::action::{ConfigMapKey, FieldPath, Image, PatchField, Patchable, why_never};
use crate::cluster::KindName;
use crate::notify::Findings;

/// What whoever runs the bot allows; no playbook does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActionsConfig {
    /// Fields that `k8s.patch` may change as well.
    pub patch: Vec<PatchFieldConfig>,
    /// Images that `k8s.set_image` may set although nothing in the cluster proves that they run,
    /// each with its digest: `registry.example/shop/web@sha256:...`.
    pub images: Vec<String>,
    /// Values of ConfigMaps that `k8s.configmap_patch` may set.
    pub config_maps: Vec<ConfigMapKeyConfig>,
}

/// One value of one ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigMapKeyConfig {
    /// Where the ConfigMap is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The key in its `data`.
    pub key: String,
}

impl ConfigMapKeyConfig {
    /// # Errors
    /// Why no bot sets it.
    fn read(&self) -> Result<ConfigMapKey, &'static str> {
        let Self { namespace, name, key } = self.clone();
        let key = ConfigMapKey { namespace, name, key };
        key.why_never().map_or(Ok(key), Err)
    }
}

/// One number of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchFieldConfig {
    /// As in its manifest, and with its group where it is not Kubernetes' own:
    /// `NodePool.karpenter.sh`.
    pub kind: String,
    /// Its names with dots between them: `spec.limits.cpu`.
    pub field: String,
}

impl PatchFieldConfig {
    /// # Errors
    /// The field of this that is wrong, and why.
    fn read(&self) -> Result<PatchField, (&'static str, String)> {
        let kind: KindName = self.kind.parse().map_err(|error| ("kind", format!("{error}")))?;
        let field: FieldPath = self.field.parse().map_err(|error| ("field", format!("{error}")))?;
        match why_never(kind.as_str(), &field) {
            Some(why) => Err(("field", why)),
            None => Ok(PatchField { kind, field }),
        }
    }
}

/// # Errors
/// Why it is none that may be allowed.
fn read_image(text: &str) -> Result<Image, String> {
    let image: Image = text.parse().map_err(|error| format!("{error}"))?;
    if image.has_digest() {
        Ok(image)
    } else {
        Err(format!("`{image}` has no digest, and what a tag names may be changed"))
    }
}

impl ActionsConfig {
    /// What actions may change. What is wrong, the check refuses.
    pub fn patchable(&self) -> Patchable {
        let keys = self.config_maps.iter().filter_map(|key| key.read().ok());
        let images = self.images.iter().filter_map(|image| read_image(image).ok());
        Patchable::and(self.patch.iter().filter_map(|field| field.read().ok())).and_images(images).and_keys(keys)
    }

    pub(super) fn findings(&self) -> Findings {
        let mut findings = Findings::default();
        for (n, entry) in self.patch.iter().enumerate() {
            if let Err((field, why)) = entry.read() {
                let remedy = "take the entry out, or write a kind and a field as `{ kind: NodePool.karpenter.sh, field: spec.limits.cpu }`";
                findings.problem(&format!("patch.{n}.{field}"), why, remedy);
            }
        }
        for (n, image) in self.images.iter().enumerate() {
            if let Err(why) = read_image(image) {
                findings.problem(
                    &format!("images.{n}"),
                    why,
                    "write it as `registry.example/shop/web@sha256:...`, or take it out",
                );
            }
        }
        for (n, entry) in self.config_maps.iter().enumerate() {
            if let Err(why) = entry.read() {
                findings.problem(
                    &format!("config_maps.{n}"),
                    why.to_owned(),
                    "take the entry out, or write another ConfigMap",
                );
            }
        }
        findings
    }
}
