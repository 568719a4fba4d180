//! What MySQL and MariaDB have in common: their images read the same variables.

/// The methods of both, on a type with the same fields.
macro_rules! mysql_methods {
    ($service:ident) => {
        impl $service {
            /// The name of the user that is made, who may do everything in the database; `"root"` for the superuser alone.
            pub fn user(mut self, name: impl Into<String>) -> Self {
                self.user = name.into();
                self
            }

            /// The password of that user and of `root`; not empty.
            pub fn password(mut self, password: impl Into<String>) -> Self {
                self.password = password.into();
                self
            }

            /// The database that is made.
            pub fn database(mut self, name: impl Into<String>) -> Self {
                self.database = name.into();
                self
            }

            /// SQL that is run in the database at the first start, by `root`, after what was added before it.
            pub fn init_sql(mut self, sql: impl Into<String>) -> Self {
                self.scripts.add_text(sql, "sql");
                self
            }

            /// A file that is run at the first start, after what was added before it: `.sql`, `.sql.gz` or `.sh`.
            pub fn init_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
                self.scripts.add_file(path);
                self
            }

            /// An option of the server, as in its configuration: `("max_connections", "500")`. The last value of a name counts.
            pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                self.settings.push((name.into(), value.into()));
                self
            }

            /// What is committed is on the disk, as in production: for tests that kill the server and look at what is left.
            pub fn durable(mut self) -> Self {
                self.is_durable = true;
                self
            }

            fn request_with(&self, tuned: &[&str]) -> ContainerRequest {
                // Options alone: the entry point puts its server's name before them, which is not the same in all versions.
                let mut words: Vec<String> = Vec::new();
                if !self.is_durable {
                    words.extend(tuned.iter().map(|word| (*word).to_owned()));
                }
                let settings = self.settings.iter();
                words.extend(settings.map(|(name, value)| format!("--{name}={value}")));
                // The older names of the variables, which MariaDB's image reads as well.
                let mut request = ContainerRequest::new(self.more.image())
                    .publish(PORT)
                    .env("MYSQL_ROOT_PASSWORD", &self.password)
                    .env("MYSQL_DATABASE", &self.database)
                    .cmd(words)
                    // The server speaks first; that of the initialisation has no network at all.
                    .wait(crate::wait::Wait::tcp(PORT));
                if self.user != "root" {
                    // The entry point refuses to make `root`.
                    request =
                        request.env("MYSQL_USER", &self.user).env("MYSQL_PASSWORD", &self.password);
                }
                self.more.clone().on_top_of(self.scripts.copied_into(request))
            }
        }

        impl Running<$service> {
            /// The user's name.
            pub fn user(&self) -> &str {
                &self.service().user
            }

            /// The password of the user and of `root`.
            pub fn password(&self) -> &str {
                &self.service().password
            }

            /// The name of the database.
            pub fn database(&self) -> &str {
                &self.service().database
            }
        }
    };
}
pub(super) use mysql_methods;
