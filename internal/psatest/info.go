package psatest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// thresholdInformation counts itself too.
func thresholdInformation(c *call) answer {
	return success(map[string]any{
		"externalRequestThreshold": cmp.Or(c.sim.behaviour().Hourly, autotaskHourly), "requestThresholdTimeframe": 60,
		"currentTimeframeRequestCount": c.who.tenant.Usage(),
	})
}

func version(*call) answer {
	return success(map[string]any{"majorVersion": 2026, "minorVersion": 3, "build": "2026.3.0.1", "customerType": "Production"})
}

func allEntities(*call) answer {
	infos := []any{}
	for _, e := range entities {
		infos = append(infos, info(e))
	}
	slices.SortFunc(infos, func(a, b any) int {
		return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
	})
	return success(map[string]any{"entityDescriptions": infos})
}

func entityInformation(c *call) answer { return success(map[string]any{"info": info(c.entity)}) }

func info(e *entity) map[string]any {
	can := e.rights()
	return map[string]any{
		"name": e.single, "canCreate": can.create, "canDelete": can.remove, "canQuery": true, "canUpdate": can.update,
		"userAccessForCreate": access(can.create), "userAccessForDelete": access(can.remove),
		"userAccessForQuery": access(true), "userAccessForUpdate": access(can.update),
		"hasUserDefinedFields": e.udfs, "supportsWebhookCallouts": false,
	}
}

func access(can bool) string {
	if can {
		return "All"
	}
	return "None"
}

func fieldInformation(c *call) answer {
	fields := []any{}
	for i := range c.entity.fields {
		fields = append(fields, c.fieldInfo(&c.entity.fields[i]))
	}
	return success(map[string]any{"fields": fields})
}

func (c *call) fieldInfo(f *field) map[string]any {
	var values any
	if f.pick {
		values = picklistValues(c.who.tenant.picks[pickKey(c.entity, f)])
	}
	return map[string]any{
		"name": f.name, "dataType": string(f.kind), "length": f.length,
		"isRequired": f.required, "isReadOnly": f.readOnly, "isQueryable": !f.silent,
		"isReference": f.ref != "", "referenceEntityType": referenced(f),
		"isPickList": f.pick, "picklistValues": values, "picklistParentValueField": f.pickUnder,
		"isSupportedWebhookField": false,
	}
}

func referenced(f *field) string {
	if f.ref == "" {
		return ""
	}
	return entityNamed(f.ref).single
}

// picklistValues has the values as texts, as the PSA does.
func picklistValues(picks []Pick) []any {
	values := []any{}
	for i, p := range picks {
		parent := ""
		if p.Parent != 0 {
			parent = strconv.Itoa(p.Parent)
		}
		values = append(values, map[string]any{
			"value": strconv.Itoa(p.Value), "label": p.Label, "isDefaultValue": p.Default, "sortOrder": i + 1,
			"parentValue": parent, "isActive": !p.Inactive, "isSystem": p.System,
		})
	}
	return values
}

func udfInformation(c *call) answer {
	fields := []any{}
	for _, name := range c.who.tenant.udfs[c.entity.name] {
		fields = append(fields, map[string]any{
			"name": name, "label": name, "type": "string", "length": 0, "description": "", "isRequired": false,
			"defaultValue": "", "isEncrypted": false, "picklistValues": nil,
		})
	}
	return success(map[string]any{"fields": fields})
}
