package psatest

import (
	"cmp"
	"fmt"
	"strconv"
)

// getZoneInfo tells anybody the zone of any user. An unknown one has an ErrorCode below zero and nothing else.
func getZoneInfo(c *call, in *node) (func(*xmlWriter), error) {
	code := cmp.Or(c.sim.behaviour().ZoneErrorCode, -1)
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	u := c.sim.users[canonical(param(in, "UserName"))]
	if u == nil {
		return func(w *xmlWriter) {
			w.leaf("ErrorCode", strconv.Itoa(code))
			w.leaf("CI", "0")
		}, nil
	}
	base, web, ci := u.tenant.zone.url, u.tenant.zone.webURL(), u.tenant.ci
	return func(w *xmlWriter) {
		w.leaf("URL", base+soapPath)
		w.leaf("ErrorCode", "0")
		w.leaf("DataBaseType", "0") // what stands there is not known, and no client looks at it
		w.leaf("CI", strconv.Itoa(ci))
		w.leaf("WebUrl", web+"/")
	}, nil
}

// getThresholdAndUsageInfo counts itself too, and tells in words.
func getThresholdAndUsageInfo(c *call, _ *node) (func(*xmlWriter), error) {
	text := fmt.Sprintf("thresholdOfExternalRequest: %d; TimeframeOfLimitation: 60; numberOfExternalRequest: %d;",
		cmp.Or(c.sim.behaviour().Hourly, autotaskHourly), c.who.tenant.Usage())
	r := &atwsResponse{infos: []returnInfo{{action: "None", message: text}}}
	return r.write, nil
}

func getWSDLVersion(*call, *node) (func(*xmlWriter), error) {
	return func(w *xmlWriter) { w.chars("1.6") }, nil
}

// getInvoiceMarkup finds no invoice: the simulator has none.
func getInvoiceMarkup(_ *call, in *node) (func(*xmlWriter), error) {
	return nil, complain("The Invoice with id %s does not exist.", param(in, "InvoiceId"))
}

func getEntityInfo(*call, *node) (func(*xmlWriter), error) {
	return func(w *xmlWriter) {
		for _, e := range soapEntities {
			can := e.of.rights()
			w.in("EntityInfo", func() {
				w.leaf("Name", e.name)
				w.leaf("CanUpdate", strconv.FormatBool(can.update))
				w.leaf("CanDelete", strconv.FormatBool(can.remove))
				w.leaf("CanCreate", strconv.FormatBool(can.create))
				w.leaf("CanQuery", "true")
				w.leaf("HasUserDefinedFields", strconv.FormatBool(e.of.udfs))
			})
		}
	}, nil
}

func getFieldInfo(c *call, in *node) (func(*xmlWriter), error) {
	e, err := entityCalled(param(in, "psObjectType"))
	if err != nil {
		return nil, err
	}
	return func(w *xmlWriter) {
		w.in("Field", func() { writeField(w, "id", e.of.field("id"), nil) })
		for _, f := range e.fields {
			w.in("Field", func() { writeField(w, f.name, f.of, c.who.tenant.picks[pickKey(e.of, f.of)]) })
		}
	}, nil
}

func writeField(w *xmlWriter, name string, f *field, picks []Pick) {
	w.leaf("Name", name)
	w.leaf("Label", name)
	w.leaf("Type", string(f.kind))
	w.leaf("Length", strconv.Itoa(f.length))
	w.leaf("IsRequired", strconv.FormatBool(f.required))
	w.leaf("IsReadOnly", strconv.FormatBool(f.readOnly))
	w.leaf("IsQueryable", strconv.FormatBool(!f.silent))
	w.leaf("IsReference", strconv.FormatBool(f.ref != ""))
	w.leaf("ReferenceEntityType", referencedSOAP(f))
	w.leaf("IsPickList", strconv.FormatBool(f.pick))
	if f.pick {
		w.in("PicklistValues", func() { writePicks(w, picks) })
	}
}

// referencedSOAP is the name of the entity that a field points to; empty if it points to none.
func referencedSOAP(f *field) string {
	if f.ref == "" {
		return ""
	}
	return soapNameOf(entityNamed(f.ref))
}

func writePicks(w *xmlWriter, picks []Pick) {
	for i, p := range picks {
		parent := ""
		if p.Parent != 0 {
			parent = strconv.Itoa(p.Parent)
		}
		w.in("PickListValue", func() {
			w.leaf("Value", strconv.Itoa(p.Value))
			w.leaf("Label", p.Label)
			w.leaf("IsDefaultValue", strconv.FormatBool(p.Default))
			w.leaf("SortOrder", strconv.Itoa(i+1))
			w.leaf("parentValue", parent)
			w.leaf("IsActive", strconv.FormatBool(!p.Inactive))
			w.leaf("IsSystem", strconv.FormatBool(p.System))
		})
	}
}

func getUDFInfo(c *call, in *node) (func(*xmlWriter), error) {
	e, err := entityCalled(param(in, "psTable"))
	if err != nil {
		return nil, err
	}
	return func(w *xmlWriter) {
		for _, name := range c.who.tenant.udfs[e.of.name] {
			w.in("Field", func() { writeField(w, name, &field{kind: text}, nil) })
		}
	}, nil
}
