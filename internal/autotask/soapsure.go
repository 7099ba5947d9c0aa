package autotask

import "strings"

// soapSure are the fields of SOAP's whose name in REST is known, by REST's name of the entity: those of the entities that integrations
// write most, as the WSDL of version 1.6 and the REST interface's own description have them. SOAPField gives each the name in REST.
const soapSure = `
Tickets: AccountID AllocationCodeID CompletedDate ContactID ContractID CreateDate CreatorResourceID Description DueDateTime
EstimatedHours InstalledProductID IssueType LastActivityDate Priority QueueID AssignedResourceID AssignedResourceRoleID Source Status
SubIssueType TicketNumber Title FirstResponseDateTime ResolutionPlanDateTime ResolvedDateTime FirstResponseDueDateTime
ResolutionPlanDueDateTime ResolvedDueDateTime ServiceLevelAgreementID ServiceLevelAgreementHasBeenMet Resolution PurchaseOrderNumber
TicketType ProblemTicketId OpportunityId ChangeApprovalBoard ChangeApprovalType ChangeApprovalStatus ChangeInfoField1 ChangeInfoField2
ChangeInfoField3 ChangeInfoField4 ChangeInfoField5 LastCustomerNotificationDateTime LastCustomerVisibleActivityDateTime
ContractServiceID ContractServiceBundleID HoursToBeScheduled MonitorTypeID MonitorID AEMAlertID TicketCategory ExternalID
FirstResponseInitiatingResourceID FirstResponseAssignedResourceID ProjectID BusinessDivisionSubdivisionID CreatorType
CompletedByResourceID AccountPhysicalLocationID LastActivityPersonType LastActivityResourceID CurrentServiceThermometerRating
PreviousServiceThermometerRating ServiceThermometerTemperature
Companies: Address1 Address2 City State CreateDate LastActivityDate AccountName AccountNumber OwnerResourceID ParentAccountID Phone
PostalCode AccountType WebAddress Active Fax TerritoryID MarketSegmentID CountryID
ClientPortalActive TaskFireActive TaxExempt KeyAccountIcon
Contacts: Active CreateDate EMailAddress EMailAddress2 EMailAddress3 FirstName AccountID LastName LastActivityDate MobilePhone Phone
Title AddressLine AddressLine1 City State ZipCode CountryID ExternalID
TicketNotes: CreatorResourceID Description LastActivityDate NoteType Publish TicketID Title ImpersonatorCreatorResourceID CreateDateTime
CompanyNotes: AccountID ContactID OpportunityID AssignedResourceID ActionType StartDateTime EndDateTime CompletedDateTime Name Note
CreateDateTime
ConfigurationItems: CreateDate AccountID Active InstallDate Notes ProductID ReferenceNumber ReferenceTitle SerialNumber
WarrantyExpirationDate ContractID ContactID Type
Resources: Active Email FirstName LastName UserName LicenseType
TimeEntries: TicketID TaskID DateWorked StartDateTime EndDateTime HoursWorked HoursToBill OffsetHours SummaryNotes InternalNotes RoleID
CreateDateTime ResourceID AllocationCodeID ContractID ShowOnInvoice NonBillable
ContactGroups: Name Active
AttachmentInfo: ParentID ParentType Type Title FullPath AttachDate FileSize AttachedByResourceID AttachedByContactID Publish ContentType
Attachments: ParentID ParentType Type Title FullPath Publish ContentType
TicketAttachments: ParentID ParentType Type Title FullPath Publish ContentType`

// sure are the names in REST that are known, by entity and SOAP's name, as it is spelled and in lower case: most calls spell as the WSDL does.
var sure = func() map[string]map[string]string {
	all, entity := make(map[string]map[string]string), ""
	for word := range strings.FieldsSeq(soapSure) {
		if name, ok := strings.CutSuffix(word, ":"); ok {
			entity = name
			all[entity] = map[string]string{"id": "id"}
			continue
		}
		small := lower(word)
		all[entity][word], all[entity][small] = soapField(entity, small), soapField(entity, small)
	}
	return all
}()

// isSure says whether the name in REST of an entity's field is known.
func isSure(entity, name string) bool {
	known := sure[entity]
	if _, ok := known[name]; ok {
		return true
	}
	name = lower(name)
	_, ok := known[name]
	return ok || name == "id"
}

// soapUnsure says whether one of a SOAP call's names of fields may be another in REST. User-defined fields have one name.
func soapUnsure(entity string, names []string) bool {
	for _, name := range names {
		if !strings.HasPrefix(name, udfPrefix) && !isSure(entity, name) {
			return true
		}
	}
	return false
}
