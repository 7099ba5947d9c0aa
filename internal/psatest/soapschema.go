package psatest

import "strings"

// schemaType is a type of the WSDL that is no entity: its elements in order, as "name:type", with a ! after what
// must be there. Without a colon in it the only text is the type whose array it is.
type schemaType struct{ name, elements string }

// schemaTypes are the types that the operations need.
var schemaTypes = []schemaType{
	{"Attachment", "Data:s:base64Binary Info:tns:AttachmentInfo"},
	{"ArrayOfField", "Field"},
	{"Field", `Name:s:string Label:s:string Type:s:string Length:s:int! Description:s:string IsRequired:s:boolean!
		IsReadOnly:s:boolean! IsQueryable:s:boolean! IsReference:s:boolean! ReferenceEntityType:s:string
		IsPickList:s:boolean! PicklistValues:tns:ArrayOfPickListValue PicklistParentValueField:s:string DefaultValue:s:string`},
	{"ArrayOfPickListValue", "PickListValue"},
	{"PickListValue", `Value:s:string Label:s:string IsDefaultValue:s:boolean! SortOrder:s:int! parentValue:s:string
		IsActive:s:boolean IsSystem:s:boolean`},
	{"ArrayOfUserDefinedField", "UserDefinedField"},
	{"UserDefinedField", "Name:s:string Value:s:string"},
	{"ArrayOfEntityInfo", "EntityInfo"},
	{"EntityInfo", `Name:s:string CanUpdate:s:boolean! CanDelete:s:boolean! CanCreate:s:boolean! CanQuery:s:boolean!
		HasUserDefinedFields:s:boolean!`},
	{"ArrayOfEntity", "Entity"},
	{"ATWSResponse", `ReturnCode:s:int! EntityResults:tns:ArrayOfEntity EntityResultType:s:string
		Errors:tns:ArrayOfATWSError EntityReturnInfoResults:tns:ArrayOfEntityReturnInfo`},
	{"ArrayOfATWSError", "ATWSError"},
	{"ATWSError", "Message:s:string"},
	{"ArrayOfEntityReturnInfo", "EntityReturnInfo"},
	{"EntityReturnInfo", `EntityId:s:long! DatabaseAction:tns:EntityReturnInfoDatabaseAction!
		DuplicateStatus:tns:EntityDuplicateStatus! Message:s:string`},
	{"EntityDuplicateStatus", "Found:s:boolean! MatchInfo:s:string Ignored:s:boolean!"},
	{"ATWSZoneInfo", "URL:s:string ErrorCode:s:int! DataBaseType:s:string CI:s:int! WebUrl:s:string"},
}

// databaseActions are the values of the one enumeration.
var databaseActions = []string{"None", "Created", "Updated"}

func writeSchema(w *xmlWriter) {
	for _, o := range operations {
		writeElement(w, o.name, o.in)
		writeElement(w, o.name+"Response", []parameter{{o.name + "Result", o.resultType(), o.result == "long"}})
	}
	for _, t := range schemaTypes {
		w.in("s:complexType", func() { writeSequence(w, t.parameters()) }, "name", t.name)
	}
	w.in("s:simpleType", func() {
		w.in("s:restriction", func() {
			for _, a := range databaseActions {
				w.empty("s:enumeration", "value", a)
			}
		}, "base", "s:string")
	}, "name", "EntityReturnInfoDatabaseAction")
	writeIntegrations(w)
	writeEntities(w)
}

func writeIntegrations(w *xmlWriter) {
	w.empty("s:element", "name", "AutotaskIntegrations", "type", "tns:AutotaskIntegrations")
	w.in("s:complexType", func() {
		writeSequence(w, []parameter{{"PartnerID", "s:string", false}, {"IntegrationCode", "s:string", false}, {"ImpersonateAsResourceID", "s:int", false}})
		w.empty("s:anyAttribute")
	}, "name", "AutotaskIntegrations")
}

// writeEntities writes the abstract Entity and those that extend it. Their fields have no type, as in the real
// WSDL: each value says its own.
func writeEntities(w *xmlWriter) {
	w.in("s:complexType", func() {
		writeSequence(w, []parameter{{"Fields", "tns:ArrayOfField", false}, {"id", "s:long", true}, {"UserDefinedFields", "tns:ArrayOfUserDefinedField", false}})
	}, "name", "Entity", "abstract", "true")
	for _, e := range soapEntities {
		w.in("s:complexType", func() {
			w.in("s:complexContent", func() {
				w.in("s:extension", func() { writeSequence(w, e.parameters()) }, "base", "tns:Entity")
			}, "mixed", "false")
		}, "name", e.name)
	}
}

func (e *soapEntity) parameters() []parameter {
	var all []parameter
	for _, f := range e.fields {
		all = append(all, parameter{name: f.name})
	}
	return all
}

func (t schemaType) parameters() []parameter {
	if !strings.Contains(t.elements, ":") {
		return []parameter{{t.elements, "[]", false}}
	}
	var all []parameter
	for _, text := range strings.Fields(t.elements) {
		name, kind, _ := strings.Cut(text, ":")
		bare, required := strings.CutSuffix(kind, "!")
		all = append(all, parameter{name, bare, required})
	}
	return all
}

func writeElement(w *xmlWriter, name string, in []parameter) {
	w.in("s:element", func() {
		if len(in) == 0 {
			w.empty("s:complexType")
			return
		}
		w.in("s:complexType", func() { writeSequence(w, in) })
	}, "name", name)
}

func writeSequence(w *xmlWriter, ps []parameter) {
	w.in("s:sequence", func() {
		for _, p := range ps {
			p.write(w)
		}
	})
}

func (p parameter) write(w *xmlWriter) {
	least := "0"
	if p.required {
		least = "1"
	}
	switch p.kind {
	case "":
		w.empty("s:element", "minOccurs", least, "maxOccurs", "1", "name", p.name)
	case "[]":
		w.empty("s:element", "minOccurs", "0", "maxOccurs", "unbounded", "name", p.name, "nillable", "true", "type", "tns:"+p.name)
	default:
		w.empty("s:element", "minOccurs", least, "maxOccurs", "1", "name", p.name, "type", p.kind)
	}
}
