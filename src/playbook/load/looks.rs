//! Whether a file is meant to be a playbook. Problems show lines of the file, and what is none may
//! be anything: a token, a kubeconfig, a key that was put into the wrong folder.

/// What only a playbook has at its top. A `kind` or `metadata` has every manifest.
const OWN: [&str; 9] =
    ["severity", "autonomy", "triggers", "target", "inputs", "limits", "diagnose", "mitigate", "escalate"];

/// Whether the text calls itself one, or has the parts of one.
pub(super) fn like_a_playbook(text: &str) -> bool {
    let mut own = 0;
    for line in text.lines().take(MOST_LINES) {
        // Also in braces, and with quotes: YAML is JSON, too.
        let line = line.trim_start_matches(['\u{feff}', '{', '"', '\'', ' ', '\t']);
        let Some((key, value)) = line.split_once(':') else { continue };
        let key = key.trim_end().trim_end_matches(['"', '\'']);
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        let is_named = match key {
            "apiVersion" => value.starts_with("dogwatch/"),
            "kind" => value.trim_end_matches([',', '}', ' ', '"', '\'']) == "Playbook",
            _ => false,
        };
        own += usize::from(OWN.contains(&key));
        if is_named || own >= 2 {
            return true;
        }
    }
    false
}

/// What comes so late is no beginning.
const MOST_LINES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_known_also_when_much_is_wrong_with_it() {
        for text in [
            "apiVersion: dogwatch/v1\n",
            "# mine\n\napiVersion: \"dogwatch/v2\"\n",
            "kind: Playbook\nnonsense",
            "{\"apiVersion\": \"dogwatch/v1\", \"kind\": \"Playbook\"}",
            "\u{feff}apiVersion: dogwatch/v1",
            "apiVersion: dogwatch\nkind: Playbok\nseverity: S1\nautonomy: observe\n",
        ] {
            assert!(like_a_playbook(text), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_not_taken_for_one() {
        for text in [
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
            "root:$6$abc:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
            "apiVersion: v1\nkind: Secret\nmetadata: { name: x }\ndata: { password: aHVudGVyMg== }\n",
            "apiVersion: v1\nkind: Config\nclusters: []\nusers: [{ name: a, user: { token: hunter2 } }]\n",
            "password: hunter2\ntarget: production\n",
        ] {
            assert!(!like_a_playbook(text), "{text}");
        }
    }
}
