//! Calls in somebody's name.

use tonic::Request;

/// `message` as said by a person with `role`.
pub fn by<T>(role: &str, name: &str, message: T) -> Request<T> {
    signed(&format!("{role}:{name}"), role, "", message)
}

/// `message` as said by a clerk of `unit`.
pub fn by_unit<T>(unit: &str, message: T) -> Request<T> {
    signed(&format!("unit:{unit}"), "unit_clerk", unit, message)
}

fn signed<T>(id: &str, role: &str, unit: &str, message: T) -> Request<T> {
    let principal = serde_json::json!({ "id": id, "roles": [role], "unit_code": unit });
    let mut request = Request::new(message);
    let value = principal.to_string().parse().expect("a principal is ASCII");
    request.metadata_mut().insert("hotline-principal", value);
    request
}
