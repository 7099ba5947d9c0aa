# What `psagate secret put` needs beside psagate.hcl: to write new versions of logins' records, and nothing else. The versions
# that a new password is compared with psagate reads already. For those who want it:
#
#   vault policy write psagate-put put.hcl
#   vault write auth/approle/role/psagate token_policies=psagate,psagate-put
#
# It holds from psagate's next sign-in on: at once after a restart, else when its token's life ends.
path "kv/data/autotask/*" {
  capabilities = ["create", "update"]
}
