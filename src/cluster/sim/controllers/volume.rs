//! PersistentVolumes: which of them are free.

use serde_json::json;

use crate::cluster::sim::objects::{Id, text};
use crate::cluster::sim::state::State;

impl State {
    pub(super) fn reconcile_volume(&mut self, id: Id) {
        let volume = self.objects.value(id);
        match text(&volume, "/status/phase") {
            "" | "Pending" => {
                // The claim that is to have it may be on its way to it.
                self.free_volumes.insert(id);
                self.set_status(id, json!({ "phase": "Available" }));
            }
            "Available" => {
                self.free_volumes.insert(id);
                let class = text(&volume, "/spec/storageClassName").to_owned();
                self.arrived(&format!("volume/{class}"));
            }
            "Bound" => {
                self.free_volumes.remove(&id);
                self.release(id, &volume);
            }
            _ => {}
        }
    }

    /// What becomes of a volume whose claim is gone.
    fn release(&mut self, id: Id, volume: &serde_json::Value) {
        let uid = text(volume, "/spec/claimRef/uid");
        // A volume that was given may be bound to a claim that was not.
        if uid.is_empty() || self.objects.with_uid(uid).is_some() || !self.released.remove(uid) {
            return;
        }
        self.set_status(id, json!({ "phase": "Released" }));
        if text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
            self.delete(id, false);
        }
    }
}
