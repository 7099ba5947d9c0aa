package autotask

import (
	"maps"
	"slices"
	"strings"
)

// rootNames are the first-level names under /V1.0/ that take sign-ins, gathered from the REST API's help pages and from
// the entity lists of public clients (apigrate's for Node, Anteris' for PHP). The set is open: a name that is missing here passes as its caller spells it, only its 2xx proves
// nothing and its metrics label is "other".
const rootNames = `
ActionTypes AdditionalInvoiceFieldValues Appointments ArticleAttachments ArticleConfigurationItemCategoryAssociations
ArticleNotes ArticlePlainTextContent ArticleTagAssociations ArticleTicketAssociations ArticleToArticleAssociations
ArticleToDocumentAssociations AttachmentInfo AttachmentNestedAttachments Attachments BillingCodes
BillingItemApprovalLevels BillingItems ChangeOrderCharges ChangeRequestLinks ChecklistLibraries
ChecklistLibraryChecklistItems ClassificationIcons ClientPortalUsers ComanagedAssociations Companies CompanyAlerts
CompanyAttachments CompanyCategories CompanyLocations CompanyNoteAttachments CompanyNotes CompanySiteConfigurations
CompanyTeams CompanyToDos CompanyWebhookExcludedResources CompanyWebhookFields CompanyWebhookUdfFields CompanyWebhooks
ConfigurationItemAttachments ConfigurationItemBillingProductAssociations ConfigurationItemCategories
ConfigurationItemCategoryUdfAssociations ConfigurationItemDnsRecords ConfigurationItemNoteAttachments
ConfigurationItemNotes ConfigurationItemRelatedItems ConfigurationItemSslSubjectAlternativeName
ConfigurationItemTypes ConfigurationItemWebhookExcludedResources ConfigurationItemWebhookFields
ConfigurationItemWebhookUdfFields ConfigurationItemWebhooks ConfigurationItems ContactBillingProductAssociations
ContactGroupContacts ContactGroups ContactWebhookExcludedResources ContactWebhookFields ContactWebhookUdfFields
ContactWebhooks Contacts ContractBillingRules ContractBlockHourFactors ContractBlocks ContractCharges
ContractExclusionBillingCodes ContractExclusionRoles ContractExclusionSetExcludedRoles
ContractExclusionSetExcludedWorkTypes ContractExclusionSets ContractMilestones ContractNoteAttachments ContractNotes
ContractRates ContractRetainers ContractRoleCosts ContractServiceAdjustments ContractServiceBundleAdjustments
ContractServiceBundleUnits ContractServiceBundles ContractServiceUnits ContractServices ContractTicketPurchases
Contracts Countries Currencies DeletedTaskActivityLogs DeletedTicketActivityLogs DeletedTicketLogs Departments
DocumentAttachments DocumentCategories DocumentChecklistItems DocumentChecklistLibraries
DocumentConfigurationItemAssociations DocumentConfigurationItemCategoryAssociations DocumentNotes
DocumentPlainTextContent DocumentTagAssociations DocumentTicketAssociations DocumentToArticleAssociations
DocumentToDocumentAssociations Documents DomainRegistrars ExpenseItemAttachments ExpenseItems
ExpenseReportAttachments ExpenseReports Expenses HolidaySets Holidays IntegrationVendorInsights
IntegrationVendorWidgets InternalLocationWithBusinessHours InternalLocations InventoryItemSerialNumbers InventoryItems
InventoryLocations InventoryProducts InventoryStockedItems InventoryStockedItemsAdd InventoryStockedItemsRemove
InventoryStockedItemsTransfer InventoryTransfers InvoiceTemplates Invoices KnowledgeBaseArticles
KnowledgeBaseCategories NotificationHistory Opportunities OpportunityAttachments OpportunityCategories
OrganizationalLevel1s OrganizationalLevel2s OrganizationalLevelAssociations OrganizationalResources PaymentTerms
Phases PriceListMaterialCodes PriceListProductTiers PriceListProducts PriceListRoles PriceListServiceBundles
PriceListServices PriceListWorkTypeModifiers ProductNotes ProductTiers ProductVendors Products ProjectAttachments
ProjectCharges ProjectNoteAttachments ProjectNotes Projects PurchaseApprovals PurchaseOrderItemReceiving
PurchaseOrderItems PurchaseOrders QuoteItems QuoteLocations QuoteTemplates Quotes ResourceAttachments
ResourceDailyAvailabilities ResourceRoleDepartments ResourceRoleQueues ResourceRoles ResourceServiceDeskRoles
ResourceSkills Resources Roles SalesOrderAttachments SalesOrders ServiceBundleServices ServiceBundles
ServiceCallTaskResources ServiceCallTasks ServiceCallTicketResources ServiceCallTickets ServiceCalls
ServiceLevelAgreementResults ServiceLevelAgreements Services ShippingTypes Skills SubscriptionPeriods Subscriptions
SurveyResults Surveys TagAliases TagGroups Tags TaskAttachments TaskNoteAttachments TaskNotes TaskPredecessors
TaskSecondaryResources Tasks TaxCategories TaxRegions Taxes TicketAdditionalConfigurationItems
TicketAdditionalContacts TicketAttachments TicketCategories TicketCategoryFieldDefaults TicketChangeRequestApprovals
TicketCharges TicketChecklistItems TicketChecklistLibraries TicketHistory TicketNoteAttachments
TicketNoteWebhookExcludedResources TicketNoteWebhookFields TicketNoteWebhooks TicketNotes TicketRmaCredits
TicketSecondaryResources TicketTagAssociations TicketWebhookExcludedResources TicketWebhookFields
TicketWebhookUdfFields TicketWebhooks Tickets TimeEntries TimeEntryAttachments TimeOffRequests
UserDefinedFieldDefinitions UserDefinedFieldListItems UserDefinedFields WebhookEventErrorLogs WorkTypeModifiers`

// serviceNames are the first-level names that are no entities: a GET of the bare name, behind a sign-in.
const serviceNames = `Authenticate EntityInformation Modules ThresholdInformation Version`

// childNames are the second-level names: /V1.0/{parent}/{id}/{child}.
var childNames = map[string]string{
	"Attachments":                     "NestedAttachments",
	"ChecklistLibraries":              "ChecklistItems",
	"Companies":                       "Alerts Attachments Contacts Locations Notes SiteConfigurations Teams ToDos",
	"CompanyNotes":                    "Attachments",
	"CompanyWebhooks":                 "ExcludedResources Fields UdfFields",
	"ConfigurationItemCategories":     "UdfAssociations",
	"ConfigurationItemNotes":          "Attachments",
	"ConfigurationItemWebhooks":       "ExcludedResources Fields UdfFields",
	"ConfigurationItems":              "Attachments BillingProductAssociations Notes",
	"ContactGroups":                   "Contacts",
	"ContactWebhooks":                 "ExcludedResources Fields UdfFields",
	"Contacts":                        "BillingProductAssociations",
	"ContractExclusionSets":           "ExcludedRoles ExcludedWorkTypes",
	"ContractNotes":                   "Attachments",
	"Contracts":                       "BillingRules BlockHourFactors Blocks Charges ExclusionBillingCodes ExclusionRoles Milestones Notes Rates Retainers RoleCosts ServiceAdjustments ServiceBundleAdjustments ServiceBundleUnits ServiceBundles ServiceUnits Services TicketPurchases",
	"Expenses":                        "Items",
	"HolidaySets":                     "Holidays",
	"InventoryItems":                  "SerialNumbers",
	"Opportunities":                   "Attachments SalesOrders",
	"OrganizationalLevelAssociations": "Resources",
	"Products":                        "Notes Tiers Vendors",
	"ProjectNotes":                    "Attachments",
	"Projects":                        "Attachments Charges Notes Phases Tasks",
	"PurchaseOrderItems":              "Receiving",
	"PurchaseOrders":                  "Items",
	"Quotes":                          "Items",
	"Resources":                       "RoleDepartments RoleQueues ServiceDeskRoles Skills",
	"ServiceBundles":                  "Services",
	"ServiceCallTasks":                "Resources",
	"ServiceCallTickets":              "Resources",
	"ServiceCalls":                    "Tasks Tickets",
	"ServiceLevelAgreements":          "Results",
	"Subscriptions":                   "Periods",
	"TaskNotes":                       "Attachments",
	"Tasks":                           "Attachments Notes Predecessors SecondaryResources",
	"TicketCategories":                "FieldDefaults",
	"TicketNoteWebhooks":              "ExcludedResources Fields",
	"TicketNotes":                     "Attachments",
	"TicketWebhooks":                  "ExcludedResources Fields UdfFields",
	"Tickets":                         "AdditionalConfigurationItems AdditionalContacts Attachments ChangeRequestApprovals Charges ChecklistItems ChecklistLibraries Notes RmaCredits SecondaryResources TagAssociations",
	"TimeEntries":                     "Attachments",
	"UserDefinedFields":               "ListItems",
}

// spelling maps a name in lower case, and the PSA's own spelling of it, to that spelling.
type spelling map[string]string

var (
	roots    = spell(rootNames)
	services = spell(serviceNames)
	children = spellChildren()
)

func spell(names string) spelling {
	s := make(spelling)
	for _, name := range strings.Fields(names) {
		s[name], s[strings.ToLower(name)] = name, name
	}
	return s
}

func spellChildren() map[string]spelling {
	all := make(map[string]spelling, len(childNames))
	for parent, names := range childNames {
		all[parent] = spell(names)
	}
	return all
}

// of returns the PSA's spelling of a name and true, or the name as it is and false.
func (s spelling) of(name string) (string, bool) {
	if known, ok := s[name]; ok { // as most clients write it
		return known, true
	}
	if known, ok := s[strings.ToLower(name)]; ok {
		return known, true
	}
	return name, false
}

// entityName returns the PSA's spelling of a first-level name, or the name as it is.
func entityName(name string) string {
	if known, ok := roots.of(name); ok {
		return known
	}
	known, _ := services.of(name)
	return known
}

// OtherEntity is the label of every entity that this package was not built with.
const OtherEntity = "other"

// labels are the names of all entities that this package was built with.
var labels = func() map[string]bool {
	known := make(map[string]bool)
	for _, name := range EntityNames() {
		known[name] = true
	}
	return known
}()

// EntityLabel returns an operation's entity, Tickets or Tickets/Notes, where this package was built with it, and
// OtherEntity where not; no name stays none. Metric labels use it, so that callers cannot make new ones.
func EntityLabel(entity string) string {
	if entity == "" || labels[entity] {
		return entity
	}
	return OtherEntity
}

// EntityNames returns the names of all entities that this package was built with, the children as Tickets/Notes, in order.
func EntityNames() []string {
	all := slices.AppendSeq(slices.Collect(maps.Values(roots)), maps.Values(services))
	for parent, names := range children {
		for _, name := range names {
			all = append(all, parent+"/"+name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// KnownEntity says whether the name, in any case, is one that this package was built with.
func KnownEntity(name string) bool {
	_, root := roots.of(name)
	_, service := services.of(name)
	return root || service
}
