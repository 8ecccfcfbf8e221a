//! Owns read models and issued documents.
