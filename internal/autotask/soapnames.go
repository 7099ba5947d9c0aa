package autotask

import "strings"

// soapEntities are the entities that SOAP calls by another name than the singular of REST's. Their source is the REST interface's own
// description (Swagger): the types of its answers are named for REST's model and for SOAP's entity, as in
// QueryActionResult[BillingCodeModel,AllocationCode].
const soapEntities = `
Account=Companies AccountAlert=CompanyAlerts AccountLocation=CompanySiteConfigurations AccountNote=CompanyNotes
AccountPhysicalLocation=CompanyLocations AccountTeam=CompanyTeams AccountToDo=CompanyToDos AccountWebhook=CompanyWebhooks
AccountWebhookExcludedResource=CompanyWebhookExcludedResources AccountWebhookField=CompanyWebhookFields
AccountWebhookUdfField=CompanyWebhookUdfFields AllocationCode=BillingCodes BusinessDivision=OrganizationalLevel1s
BusinessDivisionSubdivision=OrganizationalLevelAssociations
BusinessDivisionSubdivisionResource=OrganizationalResources BusinessLocation=InternalLocationWithBusinessHours
BusinessSubdivision=OrganizationalLevel2s ChangeOrderCost=ChangeOrderCharges ContractCost=ContractCharges
ContractExclusionAllocationCode=ContractExclusionBillingCodes ContractFactor=ContractBlockHourFactors
DocumentInstalledProductAssociation=DocumentConfigurationItemAssociations
DocumentInstalledProductCategoryAssociation=DocumentConfigurationItemCategoryAssociations
InstalledProduct=ConfigurationItems
InstalledProductBillingProductAssociation=ConfigurationItemBillingProductAssociations
InstalledProductCategory=ConfigurationItemCategories
InstalledProductCategoryUdfAssociation=ConfigurationItemCategoryUdfAssociations
InstalledProductDnsRecord=ConfigurationItemDnsRecords InstalledProductNote=ConfigurationItemNotes
InstalledProductSslSubjectAlternativeName=ConfigurationItemSslSubjectAlternativeName
InstalledProductType=ConfigurationItemTypes InstalledProductWebhook=ConfigurationItemWebhooks
InstalledProductWebhookExcludedResource=ConfigurationItemWebhookExcludedResources
InstalledProductWebhookField=ConfigurationItemWebhookFields
InstalledProductWebhookUdfField=ConfigurationItemWebhookUdfFields ProjectCost=ProjectCharges
PurchaseOrderReceive=PurchaseOrderItemReceiving TagAlias=TagAliases Tax=Taxes
TicketAdditionalInstalledProduct=TicketAdditionalConfigurationItems TicketCost=TicketCharges`

// restOf are REST's names of entities, by SOAP's in lower case. Of those that no table names, SOAP's is the singular, and a few have none.
var restOf = func() map[string]string {
	all := make(map[string]string)
	for _, name := range roots {
		all[lower(name)] = name
		if one := lower(singular(name)); roots[one] == "" {
			all[one] = name
		}
	}
	for pair := range strings.FieldsSeq(soapEntities) {
		soap, rest, _ := strings.Cut(pair, "=")
		all[lower(soap)] = rest
	}
	return all
}()

// SOAPEntity returns REST's name of an entity, by which policies know it, for SOAP's, which may be in any case: Tickets for Ticket,
// Companies for Account. A name that this package was not built with stays as it is, so that only a policy that names it permits it.
func SOAPEntity(name string) string {
	if rest, ok := restOf[lower(name)]; ok {
		return rest
	}
	return name
}

// soapWords are parts of fields' names that REST has otherwise, the longer before the shorter. They follow the entities' names.
var soapWords = strings.NewReplacer(
	"accounting", "accounting", // of AccountingReferenceID, which REST has too
	"accountmanager", "accountmanager",
	"accountphysicallocation", "companylocation", "account", "company",
	"installedproduct", "configurationitem", "allocationcode", "billingcode",
	"businessdivisionsubdivision", "organizationallevelassociation", "sourcecost", "sourcecharge",
	"aemalert", "rmmalert", "aemdevice", "rmmdevice", "aemopenalert", "rmmopenalert",
)

// soapFields are the fields of an entity, by REST's name, that REST calls otherwise than by soapWords, in lower case.
var soapFields = map[string]map[string]string{
	"Companies": {
		"active": "isactive", "clientportalactive": "isclientportalactive", "taskfireactive": "istaskfireactive", "taxexempt": "istaxexempt",
		"keyaccounticon": "classification",
	},
	"ConfigurationItems": {"active": "isactive", "type": "configurationitemtype"},
	"AttachmentInfo":     {"type": "attachmenttype"},
	"Attachments":        {"type": "attachmenttype"},
	"ContactGroups":      {"active": "isactive"},
	"Contacts":           {"active": "isactive"},
	"Products":           {"active": "isactive"},
	"Resources":          {"active": "isactive"},
	"TicketAttachments":  {"type": "attachmenttype"},
	"TimeEntries":        {"nonbillable": "isnonbillable"},
}

// SOAPField returns REST's name of a field in lower case, as Fields has it, for SOAP's. entity is REST's name of its entity. The renamed
// ones are those of the entities' names, and those of the entities that integrations write most; others stay as they are.
func SOAPField(entity, name string) string {
	if rest, ok := sure[entity][name]; ok {
		return rest
	}
	return soapField(entity, lower(name))
}

// soapField is SOAPField for a name in lower case.
func soapField(entity, name string) string {
	if rest, ok := soapFields[entity][name]; ok {
		return rest
	}
	for _, word := range renamed {
		if strings.Contains(name, word) {
			return soapWords.Replace(name)
		}
	}
	return name
}

// renamed are what a name holds at least one of that soapWords changes: most hold none, and looking is cheaper.
var renamed = [...]string{"account", "installedproduct", "allocationcode", "businessdivisionsubdivision", "sourcecost", "aem"}
