//! Which operation a request means: the document's paths as a tree, so that the question costs a few look-ups.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;

use crate::limits::Work;
use crate::parameters::Parameters;

/// An operation of the document, as a request needs it.
#[derive(Debug)]
pub struct Operation {
    /// Its operationId.
    pub id: Arc<str>,
    /// Whether it needs no key.
    pub public: bool,
    /// Whether it answers while the server starts, and whoever asks: probes.
    pub probe: bool,
    /// Which of a caller's allowances it draws on.
    pub work: Work,
    /// Its query parameters.
    pub parameters: Parameters,
}

/// What a path says to a method.
pub enum Route<'a> {
    /// There is no such path.
    Nowhere,
    /// The path does not take it; it takes these.
    Refused(&'a HeaderValue),
    /// The path takes it.
    Taken(&'a Arc<Operation>),
}

/// The paths below one.
#[derive(Default)]
pub struct Paths {
    fixed: HashMap<String, Paths>,
    any: Option<Box<Paths>>,
    methods: Vec<(Method, Arc<Operation>)>,
    allow: Option<HeaderValue>,
}

impl Paths {
    /// Adds a path, of which each part is fixed or `{any}`, with what it takes.
    pub fn add(&mut self, path: &str, methods: Vec<(Method, Arc<Operation>)>, allow: HeaderValue) {
        let end = parts(path).fold(self, |at, part| match part.strip_prefix('{') {
            Some(_) => at.any.get_or_insert_default(),
            None => at.fixed.entry(part.to_owned()).or_default(),
        });
        end.methods = methods;
        end.allow = Some(allow);
    }

    /// What a path says to a method. Fixed parts go before `{any}`, as the OpenAPI Specification wants it: what
    /// `/people/search` does not take is nothing for `/people/{id}`.
    #[must_use]
    pub fn route(&self, method: &Method, path: &str) -> Route<'_> {
        self.find(method, path.strip_prefix('/').unwrap_or(path)).unwrap_or(Route::Nowhere)
    }

    fn find(&self, method: &Method, path: &str) -> Option<Route<'_>> {
        let (part, rest) = path.split_once('/').map_or((path, None), |(part, rest)| (part, Some(rest)));
        let any = self.any.as_deref().filter(|_| !part.is_empty());
        self.fixed.get(part).into_iter().chain(any).find_map(|next| match rest {
            Some(rest) => next.find(method, rest),
            None => {
                let allow = next.allow.as_ref()?;
                let taken = next.methods.iter().find(|(taken, _)| taken == method);
                Some(taken.map_or(Route::Refused(allow), |(_, operation)| Route::Taken(operation)))
            }
        })
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: &str) -> Arc<Operation> {
        Arc::new(Operation { id: id.into(), public: false, probe: false, work: Work::Reads, parameters: Parameters::new() })
    }

    #[test]
    fn the_path_that_says_more_is_meant() {
        let mut paths = Paths::default();
        paths.add("/v1/grids/{id}", vec![(Method::GET, operation("get")), (Method::PATCH, operation("patch"))], HeaderValue::from_static("GET, PATCH"));
        paths.add("/v1/grids/{id}/history", vec![(Method::GET, operation("history"))], HeaderValue::from_static("GET"));
        paths.add("/v1/grids/by-ref/{source}/{ref}", vec![(Method::PUT, operation("put"))], HeaderValue::from_static("PUT"));
        paths.add("/v1/grids/first", vec![(Method::POST, operation("first"))], HeaderValue::from_static("POST"));
        let meant = |method: Method, path: &str| match paths.route(&method, path) {
            Route::Nowhere => "nowhere".to_owned(),
            Route::Refused(allow) => allow.to_str().unwrap().to_owned(),
            Route::Taken(operation) => operation.id.to_string(),
        };
        assert_eq!(meant(Method::GET, "/v1/grids/7"), "get");
        assert_eq!(meant(Method::GET, "/v1/grids/by-ref/history"), "history", "by-ref may be an id");
        assert_eq!(meant(Method::GET, "/v1/grids/by-ref"), "get");
        assert_eq!(meant(Method::GET, "/v1/grids/first"), "POST", "no id");
        assert_eq!(meant(Method::POST, "/v1/grids/first"), "first");
        assert_eq!(meant(Method::DELETE, "/v1/grids/7"), "GET, PATCH");
        assert_eq!(meant(Method::PUT, "/v1/grids/by-ref/a/b"), "put");
        assert_eq!(meant(Method::GET, "/v1/grids/by-ref/a/b"), "PUT");
        for path in ["/v1/grids/", "/v1/grids", "/v1", "/", "", "/v1/grids/7/", "/v2/grids/7"] {
            assert_eq!(meant(Method::GET, path), "nowhere", "{path}");
        }
    }
}
