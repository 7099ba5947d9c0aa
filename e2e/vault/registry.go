package main

import "github.com/hashicorp/vault/sdk/helper/consts"

// registry tells Vault's plugin catalogue that there are no built-in plugins: all backends are handed to the core.
type registry struct{}

func (registry) Contains(string, consts.PluginType) bool                   { return false }
func (registry) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }
func (registry) Keys(consts.PluginType) []string                           { return nil }
func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool         { return false }
func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Unknown, false
}
