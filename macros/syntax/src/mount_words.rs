//! The fields of a mount whose values are one of a few words.

use std::fmt;

/// A set of words of which a field holds one.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word for it, which is also that of the engine's API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What is mounted.
    MountType {
        /// A file or directory of the engine's machine.
        Bind = "bind",
        /// A volume, which the engine makes if there is none of that name; the type where none is
        /// written.
        Volume = "volume",
        /// A file system in memory.
        Tmpfs = "tmpfs",
        /// A named pipe of Windows.
        Npipe = "npipe",
        /// A volume of a swarm (CSI).
        Cluster = "cluster",
        /// The file system of an image.
        Image = "image",
    }
}

words! {
    /// Whether mounts that are made later are seen on the other side (`mount(8)`, shared subtrees).
    Propagation {
        /// Not seen.
        Private = "private",
        /// Not seen, nor those within mounts below.
        RPrivate = "rprivate",
        /// Seen both ways.
        Shared = "shared",
        /// Seen both ways, also below.
        RShared = "rshared",
        /// Those of the host are seen in the container.
        Slave = "slave",
        /// Those of the host are seen in the container, also below.
        RSlave = "rslave",
    }
}

words! {
    /// How alike the two sides of a mount have to be; only Docker Desktop for Mac has looked at it.
    Consistency {
        /// As the engine is configured.
        Default = "default",
        /// Always alike.
        Consistent = "consistent",
        /// The host's view counts.
        Cached = "cached",
        /// The container's view counts.
        Delegated = "delegated",
    }
}

words! {
    /// What happens with mounts below the source of a bind mount.
    BindRecursive {
        /// They are mounted too, read-only if the kernel can do that and the mount is.
        Enabled = "enabled",
        /// They are not mounted.
        Disabled = "disabled",
        /// They are mounted, and stay writable though the mount is read-only.
        Writable = "writable",
        /// They are mounted read-only; the start fails where the kernel cannot do that.
        Readonly = "readonly",
    }
}
