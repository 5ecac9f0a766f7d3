//! Why a request is not answered with content.

use alephd_content::ContentError;
use alephd_unixfs::Error as TreeError;
use axum::http::StatusCode;

use crate::ApiError;

/// Why a request is not answered with content.
pub(super) enum Failure {
    /// For a reason of the request.
    Api(ApiError),
    /// For a reason of what was asked for.
    Content(ContentError),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<ContentError> for Failure {
    fn from(error: ContentError) -> Self {
        Self::Content(error)
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Self::Content(error.into())
    }
}

impl Failure {
    /// The answer to the client. What strangers stored is no failure of the node, however broken.
    pub(super) fn into_api_error(self, only_if_cached: bool) -> ApiError {
        let error = match self {
            Self::Api(error) => return error,
            Self::Content(error) => error,
        };
        match &error {
            ContentError::Missing(_) if only_if_cached => {
                ApiError::text(StatusCode::PRECONDITION_FAILED, error.to_string())
            }
            ContentError::Missing(cid) => {
                ApiError::not_found(format!("This node does not hold the block {cid}"))
            }
            ContentError::Tree(tree) => match tree {
                TreeError::NoLink { .. } | TreeError::NotADirectory { .. } => {
                    ApiError::not_found(error.to_string())
                }
                TreeError::Codec { .. } => ApiError::text(StatusCode::NOT_IMPLEMENTED, error.to_string()),
                TreeError::BlockSize(_)
                | TreeError::Malformed { .. }
                | TreeError::NotAFile(_)
                | TreeError::TooDeep(_) => ApiError::bad_request(error.to_string()),
                TreeError::Hash { .. } | TreeError::NotWanted => ApiError::internal(error),
            },
            ContentError::TooLarge(_) => ApiError::bad_request(error.to_string()),
            ContentError::Damaged(_) | ContentError::Blobs(_) | ContentError::Index(_) => {
                ApiError::internal(error)
            }
        }
    }
}
