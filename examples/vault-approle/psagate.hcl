# What psagate may do in Vault: read the records that its Caddyfile names, and look at their versions.
path "kv/data/autotask/*" {
  capabilities = ["read"]
}

path "kv/metadata/autotask/*" {
  capabilities = ["read"]
}

path "kv/data/psagate/keys/*" {
  capabilities = ["read"]
}

path "kv/metadata/psagate/keys/*" {
  capabilities = ["read"]
}
