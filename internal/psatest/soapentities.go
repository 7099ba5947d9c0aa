package psatest

// soapEntities are all that SOAP knows, with their fields in the order of the WSDL of version 1.6.
var soapEntities = registerSOAP(
	soapNamed("Ticket", tickets, `
		AccountID=companyID AllocationCodeID=billingCodeID CompletedDate ContactID ContractID CreateDate CreatorResourceID
		Description DueDateTime EstimatedHours InstalledProductID=configurationItemID IssueType LastActivityDate Priority
		QueueID AssignedResourceID AssignedResourceRoleID Source Status SubIssueType TicketNumber Title
		FirstResponseDateTime ResolutionPlanDateTime ResolvedDateTime FirstResponseDueDateTime ResolutionPlanDueDateTime
		ResolvedDueDateTime ServiceLevelAgreementID ServiceLevelAgreementHasBeenMet Resolution PurchaseOrderNumber
		TicketType ProblemTicketId OpportunityId=opportunityID ChangeApprovalBoard ChangeApprovalType ChangeApprovalStatus
		ChangeInfoField1 ChangeInfoField2 ChangeInfoField3 ChangeInfoField4 ChangeInfoField5
		LastCustomerNotificationDateTime LastCustomerVisibleActivityDateTime ContractServiceID ContractServiceBundleID
		HoursToBeScheduled MonitorTypeID MonitorID AEMAlertID=rMMAlertID TicketCategory ExternalID
		FirstResponseInitiatingResourceID FirstResponseAssignedResourceID ProjectID
		BusinessDivisionSubdivisionID=organizationalLevelAssociationID CreatorType CompletedByResourceID
		AccountPhysicalLocationID=companyLocationID LastActivityPersonType LastActivityResourceID
		CurrentServiceThermometerRating PreviousServiceThermometerRating ServiceThermometerTemperature`),
	soapNamed("Account", companies, `
		Address1 City CreateDate LastActivityDate AccountName=companyName AccountNumber=companyNumber OwnerResourceID
		ParentAccountID=parentCompanyID Phone PostalCode AccountType=companyType WebAddress Active=isActive`),
	soapNamed("Contact", contacts, `
		Active=isActive CreateDate EMailAddress=emailAddress EMailAddress2=emailAddress2 EMailAddress3=emailAddress3
		FirstName AccountID=companyID LastName LastActivityDate MobilePhone Phone Title`),
	soapNamed("TicketNote", ticketNotes, `
		CreatorResourceID Description LastActivityDate NoteType Publish TicketID Title ImpersonatorCreatorResourceID
		CreateDateTime`),
	soapNamed("AccountNote", companyNotes, `
		AccountID=companyID ContactID OpportunityID AssignedResourceID ActionType StartDateTime EndDateTime
		CompletedDateTime Name Note CreateDateTime`),
	soapNamed("InstalledProduct", configurationItems, `
		CreateDate AccountID=companyID Active=isActive InstallDate Notes ProductID ReferenceNumber ReferenceTitle
		SerialNumber WarrantyExpirationDate ContractID ContactID`),
	soapNamed("Resource", resources, `
		Active=isActive Email FirstName LastName UserName LicenseType`),
	soapNamed("TimeEntry", timeEntries, `
		TicketID DateWorked StartDateTime EndDateTime HoursWorked HoursToBill OffsetHours SummaryNotes InternalNotes RoleID
		CreateDateTime ResourceID AllocationCodeID=billingCodeID ContractID ShowOnInvoice NonBillable=isNonBillable`),
	soapNamed("ContactGroup", contactGroups, `Name Active=isActive`),
	soapNamed("AttachmentInfo", ticketAttachments, `
		ParentID Type=attachmentType Title FullPath AttachDate FileSize AttachedByResourceID=creatorResourceID
		AttachedByContactID Publish ContentType`).always("ParentType", parentTicket),
)

// parentTicket is the ParentType of a ticket's attachment. The simulator keeps no others.
const parentTicket = 4
