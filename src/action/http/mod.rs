//! Actions on services that speak HTTP.

pub(super) mod request;
mod url;

use super::ActionError;
use crate::model::FailureClass;
use crate::web::WebError;

impl From<WebError> for ActionError {
    fn from(error: WebError) -> Self {
        let class = if error.passes() { FailureClass::Retry } else { FailureClass::Fail };
        Self { class, message: error.to_string() }
    }
}
