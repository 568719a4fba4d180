//! Two hundred tests that each want a PostgreSQL, in two forms; `src/main.rs` has nextest run either of them and compares.

/// What a test does with its database.
async fn test(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("INSERT INTO notes VALUES ('mine')").await?;
    let notes = client.query("SELECT note FROM notes", &[]).await?;
    assert_eq!(notes.len(), 1, "nobody else writes here");
    Ok(())
}

/// Twenty times ten tests, each of which awaits `test` of the module that they are in.
macro_rules! two_hundred {
    () => {
        two_hundred!(modules: a b c d e f g h i j k l m n o p q r s t);
    };
    (modules: $($module:ident)*) => {
        $(mod $module {
            two_hundred!(tests: a b c d e f g h i j);
        })*
    };
    (tests: $($test:ident)*) => {
        $(#[tokio::test]
        async fn $test() -> Result<(), Box<dyn std::error::Error>> {
            super::test().await
        })*
    };
}

const SCHEMA: &str = "CREATE TABLE notes (note text)";

mod container_each {
    use longshore::services;

    async fn test() -> Result<(), Box<dyn std::error::Error>> {
        let server = services::postgres().init_sql(super::SCHEMA).start().await?;
        super::test(&server.url()).await
    }

    two_hundred!();
}

mod database_each {
    use longshore::services;

    async fn test() -> Result<(), Box<dyn std::error::Error>> {
        let server = services::postgres().init_sql(super::SCHEMA).start_shared().await?;
        let database = server.fresh_database().await?;
        super::test(&database.url()).await
    }

    two_hundred!();
}
