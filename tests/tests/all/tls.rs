//! TLS to Postgres: who answers is verified, and nothing goes out before.

use kernel::connect::Endpoint;
use platform::migrate;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use testkit::{Cluster, TestApp, TestDb};

/// An authority: what it signs with, and its certificate.
fn authority() -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), certificate)
}

/// A cluster that takes nothing but TLS, with a certificate for localhost; and the folder with the authorities' files.
async fn cluster() -> (Cluster, tempfile::TempDir) {
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let (issuer, right) = authority();
    std::fs::write(folder.path().join("right.pem"), right).unwrap();
    std::fs::write(folder.path().join("wrong.pem"), authority().1).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    cluster.write("server.pem", &certificate.pem()).await;
    cluster.write("server.key", &key.serialize_pem()).await;
    cluster.write("pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust").await;
    let client = cluster.connect().await;
    for setting in ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl = on"] {
        client.batch_execute(&format!("alter system set {setting}")).await.unwrap();
    }
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    (cluster, folder)
}

/// Why there is no connection, or how many bits protect it.
async fn attempt(url: &str) -> Result<i32, String> {
    let mut conn = Endpoint::parse(url).map_err(|error| error.to_string())?.connect().await.map_err(|error| error.to_string())?;
    let query = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Integer>>("select bits from pg_stat_ssl where pid = pg_backend_pid()");
    diesel_async::RunQueryDsl::get_result::<Option<i32>>(query, &mut conn).await.map(Option::unwrap_or_default).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_server_is_known_by_authority_and_name() {
    let (cluster, folder) = cluster().await;
    let url = |host: &str, query: &str| {
        let query = query.replace("RIGHT", &folder.path().join("right.pem").display().to_string());
        let query = query.replace("WRONG", &folder.path().join("wrong.pem").display().to_string());
        format!("postgresql://linli@{host}:{}/linli?{query}", cluster.port)
    };
    // The server takes the new settings in its own time.
    while attempt(&url("localhost", "sslmode=verify-full&sslrootcert=RIGHT")).await.is_err_and(|error| error.contains("does not support TLS")) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for mode in ["verify-full", "verify-ca", "require"] {
        let bits = attempt(&url("localhost", &format!("sslmode={mode}&sslrootcert=RIGHT"))).await.unwrap();
        assert!(bits >= 128, "{mode}: {bits}");
        for roots in ["&sslrootcert=WRONG", "&sslrootcert=system", ""] {
            let refused = attempt(&url("localhost", &format!("sslmode={mode}{roots}"))).await.unwrap_err();
            assert!(refused.contains("invalid peer certificate") || refused.contains("no root certificates"), "{mode}{roots}: {refused}");
        }
    }
    for mode in ["verify-full", "require"] {
        let refused = attempt(&url("127.0.0.1", &format!("sslmode={mode}&sslrootcert=RIGHT"))).await.unwrap_err();
        assert!(refused.contains("not valid for name") || refused.contains("NotValidForName"), "{mode}: {refused}");
    }
    assert!(attempt(&url("127.0.0.1", "sslmode=verify-ca&sslrootcert=RIGHT")).await.is_ok(), "any name of a known authority's");
    for plain in ["", "sslmode=disable"] {
        let refused = attempt(&url("localhost", plain)).await.unwrap_err();
        assert!(refused.contains("no encryption"), "{plain}: {refused}");
    }

    // Migrations, the pool and the shared read connections all come this way.
    let good = url("localhost", "sslmode=verify-full&sslrootcert=RIGHT");
    migrate::run(&good).unwrap();
    let app = TestApp::on(TestDb::at(&good), |_| ()).await;
    let admin = app.small_town().await;
    let grid = admin.by_code("grids", "421181001001001").await;
    assert_eq!(admin.get(&format!("/v1/grids/{}", grid["id"].as_str().unwrap())).await.ok(200), grid);
}

#[tokio::test]
async fn a_server_without_tls_is_no_server() {
    let cluster = Cluster::start();
    let url = format!("{}?sslmode=require&sslrootcert=system", cluster.url);
    let refused = attempt(&url).await.unwrap_err();
    assert!(refused.contains("does not support TLS") || refused.contains("no root certificates"), "{refused}");
    assert_eq!(attempt(&cluster.url).await, Ok(0));
}
