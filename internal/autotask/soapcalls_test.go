package autotask

import (
	"reflect"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/soap"
)

func TestSOAPsEntitiesHaveRESTsNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ticket": "Tickets", "ticket": "Tickets", "TICKET": "Tickets", "Account": "Companies", "AccountNote": "CompanyNotes",
		"AccountLocation": "CompanySiteConfigurations", "AccountPhysicalLocation": "CompanyLocations", "InstalledProduct": "ConfigurationItems",
		"AllocationCode": "BillingCodes", "TimeEntry": "TimeEntries", "Opportunity": "Opportunities", "Country": "Countries", "Tax": "Taxes",
		"TicketCategoryFieldDefaults": "TicketCategoryFieldDefaults", "SurveyResults": "SurveyResults", "TicketHistory": "TicketHistory",
		"ServiceLevelAgreementResults": "ServiceLevelAgreementResults", "BusinessDivision": "OrganizationalLevel1s", "Phase": "Phases",
		"AttachmentInfo": "AttachmentInfo", "PurchaseOrderReceive": "PurchaseOrderItemReceiving", "ContractRoleCost": "ContractRoleCosts",
		"ContractCost": "ContractCharges", "Skill": "Skills", "ClassificationIcon": "ClassificationIcons",
		"Nonsense": "Nonsense", "": "", "Companies": "Companies",
	} {
		if got := SOAPEntity(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestEveryRenamedEntityIsOneThatRESTHas(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for pair := range strings.FieldsSeq(soapEntities) {
		name, rest, found := strings.Cut(pair, "=")
		if !found || roots[rest] != rest || seen[name] {
			t.Errorf("%s", pair)
		}
		seen[name] = true
		if SOAPEntity(name) != rest {
			t.Errorf("%s is %s, want %s", name, SOAPEntity(name), rest)
		}
	}
	for _, name := range roots {
		if got := SOAPEntity(name); got != name && !seen[name] {
			t.Errorf("REST's %s is taken for %s", name, got)
		}
	}
}

// soapOnes are entities of the WSDL.
const soapOnes = `Account AccountAlert AccountLocation AccountNote AccountPhysicalLocation AccountTeam AccountToDo ActionType
AdditionalInvoiceFieldValue AllocationCode Appointment AttachmentInfo BillingItem BillingItemApprovalLevel BusinessDivision
BusinessDivisionSubdivision BusinessDivisionSubdivisionResource BusinessLocation BusinessSubdivision ChangeOrderCost ChangeRequestLink
ClassificationIcon ClientPortalUser Contact ContactGroup ContactGroupContact Contract ContractBlock ContractCost
ContractExclusionAllocationCode ContractExclusionRole ContractFactor ContractMilestone ContractNote ContractRate ContractRetainer
ContractRoleCost ContractService ContractServiceAdjustment ContractServiceBundle ContractServiceBundleAdjustment
ContractServiceBundleUnit ContractServiceUnit ContractTicketPurchase Country Currency Department ExpenseItem ExpenseReport Holiday
HolidaySet InstalledProduct InstalledProductType InternalLocation InventoryItem InventoryItemSerialNumber InventoryLocation
InventoryTransfer Invoice InvoiceTemplate NotificationHistory Opportunity PaymentTerm Phase PriceListMaterialCode PriceListProduct
PriceListRole PriceListService PriceListServiceBundle PriceListWorkTypeModifier Product ProductVendor Project ProjectCost ProjectNote
PurchaseApproval PurchaseOrder PurchaseOrderItem PurchaseOrderReceive Quote QuoteItem QuoteLocation QuoteTemplate Resource ResourceRole
ResourceRoleDepartment ResourceRoleQueue ResourceServiceDeskRole ResourceSkill Role SalesOrder Service ServiceBundle
ServiceBundleService ServiceCall ServiceCallTask ServiceCallTaskResource ServiceCallTicket ServiceCallTicketResource
ServiceLevelAgreementResults ShippingType Skill Subscription SubscriptionPeriod Survey SurveyResults Task TaskNote TaskPredecessor
TaskSecondaryResource Tax TaxCategory TaxRegion Ticket TicketAdditionalContact TicketAdditionalInstalledProduct TicketCategory
TicketCategoryFieldDefaults TicketChangeRequestApproval TicketChecklistItem TicketCost TicketHistory TicketNote
TicketSecondaryResource TimeEntry UserDefinedFieldDefinition UserDefinedFieldListItem WorkTypeModifier`

func TestTheEntitiesOfTheWSDLAreKnown(t *testing.T) {
	t.Parallel()
	to := map[string]string{}
	for name := range strings.FieldsSeq(soapOnes) {
		rest := SOAPEntity(name)
		if roots[rest] != rest || to[rest] != "" {
			t.Errorf("%s is %q, as %q is", name, rest, to[rest])
		}
		to[rest] = name
	}
}

func TestSOAPsFieldsHaveRESTsNames(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"Tickets", "AccountID", "companyid"},
		{"Tickets", "accountid", "companyid"},
		{"Tickets", "InstalledProductID", "configurationitemid"},
		{"Tickets", "AllocationCodeID", "billingcodeid"},
		{"Tickets", "AEMAlertID", "rmmalertid"},
		{"Tickets", "Title", "title"},
		{"Tickets", "AccountPhysicalLocationID", "companylocationid"},
		{"Tickets", "BusinessDivisionSubdivisionID", "organizationallevelassociationid"},
		{"Companies", "AccountName", "companyname"},
		{"Companies", "ParentAccountID", "parentcompanyid"},
		{"Companies", "Active", "isactive"},
		{"Companies", "BillToAccountPhysicalLocationID", "billtocompanylocationid"},
		{"Quotes", "Active", "active"},
		{"ConfigurationItems", "Type", "configurationitemtype"},
		{"Resources", "AccountingReferenceID", "accountingreferenceid"},
		{"ConfigurationItems", "SourceCostID", "sourcechargeid"},
	} {
		if got := SOAPField(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestASOAPCallIsJudgedInTheWordsOfREST(t *testing.T) {
	t.Parallel()
	records := func(op soap.Operation, all ...soap.Record) *soap.Request {
		return &soap.Request{Operation: op, Records: all}
	}
	everything := Fields{All: true}
	for name, c := range map[string]struct {
		q    *soap.Request
		want []SOAPCall
	}{
		"a query": {
			&soap.Request{Operation: soap.Query, Entity: "account", Filters: []string{"udf:Tier  ", "id", "AccountName"}},
			[]SOAPCall{{Query, Resource{Entity: "Companies"}, Fields{Filters: []string{"companyname", "id", "udf:tier"}, All: true}}},
		},
		"a create of two": {
			records(soap.Create, soap.Record{Type: "Ticket", ID: "0", Fields: []string{"Title", "AccountID"}}, soap.Record{Type: "Odd", Fields: []string{"x"}}),
			[]SOAPCall{
				{Create, Resource{Entity: "Tickets"}, Fields{Written: []string{"companyid", "id", "title"}}},
				{Create, Resource{Entity: "Odd"}, Fields{Written: []string{"x"}, Unsure: true}},
			},
		},
		"an update": {
			records(soap.Update, soap.Record{Type: "Ticket", ID: "5", Fields: []string{"Status"}}),
			[]SOAPCall{{Update, Resource{Entity: "Tickets", ID: "5"}, Fields{Written: []string{"id", "status"}, Whole: true}}},
		},
		"a delete": {
			records(soap.Delete, soap.Record{Type: "ServiceCall", ID: "5", Fields: []string{"Description"}}),
			[]SOAPCall{{Delete, Resource{Entity: "ServiceCalls", ID: "5"}, Fields{}}},
		},
		"a ticket's attachment": {
			records(soap.CreateAttachment, soap.Record{Type: "AttachmentInfo", Fields: []string{"ParentID", "Type"}, ParentType: "4", ParentID: "9"}),
			[]SOAPCall{{Create, Resource{Entity: "TicketAttachments", Parent: "Tickets", ParentID: "9"}, Fields{Written: []string{"attachmenttype", "parentid"}}}},
		},
		"another attachment": {
			records(soap.CreateAttachment, soap.Record{Type: "AttachmentInfo", ParentType: "1", ParentID: "9"}),
			[]SOAPCall{{Create, Resource{Entity: "Attachments"}, Fields{Written: []string{}}}},
		},
		"an attachment":      {&soap.Request{Operation: soap.GetAttachment, ID: "3"}, []SOAPCall{{Read, Resource{Entity: "Attachments", ID: "3"}, everything}}},
		"one that goes":      {&soap.Request{Operation: soap.DeleteAttachment, ID: "3"}, []SOAPCall{{Delete, Resource{Entity: "Attachments", ID: "3"}, Fields{}}}},
		"an invoice":         {&soap.Request{Operation: soap.GetInvoiceMarkup, ID: "3"}, []SOAPCall{{Read, Resource{Entity: "Invoices", ID: "3"}, everything}}},
		"fields":             {&soap.Request{Operation: soap.GetFieldInfo, Entity: "Contact"}, []SOAPCall{{Read, Resource{Entity: "Contacts"}, Fields{}}}},
		"user-defined ones":  {&soap.Request{Operation: soap.GetUDFInfo, Entity: "Contact"}, []SOAPCall{{Read, Resource{Entity: "Contacts"}, Fields{}}}},
		"entities":           {&soap.Request{Operation: soap.GetEntityInfo}, []SOAPCall{{Read, Resource{Entity: "EntityInformation"}, everything}}},
		"counters":           {&soap.Request{Operation: soap.GetThresholdAndUsageInfo}, []SOAPCall{{Read, Resource{Entity: "ThresholdInformation"}, everything}}},
		"the version":        {&soap.Request{Operation: soap.GetWsdlVersion}, []SOAPCall{{Read, Resource{Entity: "Version"}, everything}}},
		"the zone, for free": {&soap.Request{Operation: soap.GetZoneInfo}, nil},
	} {
		if got := SOAPCalls(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for _, op := range soap.Operations {
		if calls := SOAPCalls(records(op, soap.Record{Type: "Ticket"})); len(calls) == 0 != op.Free() {
			t.Errorf("%s asks for %+v", op, calls)
		}
	}
}

func TestWhichNamesOfFieldsAreKnownInREST(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entity string
		names  []string
		unsure bool
	}{
		"known ones":           {"Tickets", []string{"accountid", "Title", "ID", "udf:Anything"}, false},
		"one that is not":      {"Tickets", []string{"Title", "Odd"}, true},
		"known of another":     {"Contacts", []string{"QueueID"}, true},
		"of an unknown entity": {"Quotes", []string{"Name"}, true},
		"no field at all":      {"Quotes", []string{"id", "udf:x"}, false},
		"none":                 {"Quotes", nil, false},
	} {
		if got := soapUnsure(c.entity, c.names); got != c.unsure {
			t.Errorf("%s: %v", name, got)
		}
	}
	for entity := range sure {
		if roots[entity] != entity || len(sure[entity]) < 3 {
			t.Errorf("%s is no entity of REST's, or has no fields", entity)
		}
	}
	for entity, renamed := range soapFields {
		for name := range renamed {
			if sure[entity] != nil && sure[entity][name] == "" {
				t.Errorf("%s %s has a name in REST, and is not known to", entity, name)
			}
		}
	}
}
