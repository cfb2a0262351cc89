//! An image that stays what it is.

use std::fmt;
use std::str::FromStr;

/// The name of an image with a tag that is not `latest`, or with a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(String);

/// A text that names no such image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    #[error("`{0}` is no image; write it as `registry.example/shop/web:2.3.1`")]
    None(String),
    #[error("what `{0}` is changes by itself; name the image with a tag that is not `latest`, or by its digest")]
    Moves(String),
}

impl Image {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is named by what is in it.
    pub fn has_digest(&self) -> bool {
        self.0.contains("@sha256:")
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Image {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let shown = || text.chars().take(80).collect::<String>();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':');
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let is_hex = |hex: &str| hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        let is_digest = digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(is_hex));
        // Behind the last `/`, a colon begins the tag; before it, a port.
        let last = name.rsplit('/').next().unwrap_or(name);
        let (last, tag) = last.split_once(':').map_or((last, None), |(last, tag)| (last, Some(tag)));
        let is_image = text.len() <= 512
            && name.chars().all(is_plain)
            && !last.is_empty()
            && !tag.is_some_and(|tag| tag.is_empty() || tag.contains(':'))
            && !name.split('/').any(str::is_empty)
            && is_digest;
        if !is_image {
            return Err(ImageError::None(shown()));
        }
        match (tag, digest) {
            (_, Some(_)) => Ok(Self(text.to_owned())),
            (Some(tag), None) if tag != "latest" => Ok(Self(text.to_owned())),
            _ => Err(ImageError::Moves(shown())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_image_is_must_not_change_by_itself() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for text in [
            "web:2",
            "registry.example:5000/shop/web:2.3.1",
            &format!("shop/web@{digest}"),
            &format!("web:latest@{digest}"),
        ] {
            assert_eq!(text.parse::<Image>().unwrap().as_str(), text);
        }
        for text in ["web", "registry.example:5000/shop/web", "web:latest"] {
            assert_eq!(text.parse::<Image>(), Err(ImageError::Moves(text.into())), "{text}");
        }
        for text in ["", "web:", "a b:1", "web@sha256:12", "shop//web:1", "web:1:2", "{{x}}:1", "/web:1"] {
            assert!(matches!(text.parse::<Image>(), Err(ImageError::None(_))), "{text}");
        }
    }
}
