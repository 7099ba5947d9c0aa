<?php
// A client of the SOAP API as PHP's documentation of SoapClient has it: Basic by the options login and password, the
// header AutotaskIntegrations by __setSoapHeaders, and entities as SoapVar of their type. See README.md for what it is
// told and what it tells.

const SPACE = 'http://autotask.net/ATWS/v1_6/';

final class Steps
{
    private SoapClient $client;

    private function connect(string $wsdl, array $options): SoapClient
    {
        return new SoapClient($wsdl, $options + ['cache_wsdl' => WSDL_CACHE_NONE, 'exceptions' => true, 'trace' => true,
            'features' => SOAP_SINGLE_ELEMENT_ARRAYS]);
    }

    public function zone(string $wsdl): array
    {
        $info = $this->connect($wsdl, [])->getZoneInfo(['UserName' => getenv('PSA_USER')])->getZoneInfoResult;
        return ['url' => $info->URL ?? null, 'errorCode' => $info->ErrorCode, 'webUrl' => $info->WebUrl ?? null];
    }

    public function open(string $wsdl): array
    {
        $this->client = $this->connect($wsdl, ['login' => getenv('PSA_USER'), 'password' => getenv('PSA_SECRET')]);
        $this->client->__setSoapHeaders(new SoapHeader(SPACE, 'AutotaskIntegrations', (object) ['IntegrationCode' => getenv('PSA_CODE')]));
        $operations = array_map(fn ($f) => preg_replace('/^\S+ (\w+)\(.*/s', '$1', $f), $this->client->__getFunctions());
        sort($operations);
        return ['operations' => $operations];
    }

    public function threshold(): array
    {
        return answer($this->client->getThresholdAndUsageInfo()->getThresholdAndUsageInfoResult);
    }

    public function query(string $xml): array
    {
        return answer($this->client->query(['sXML' => $xml])->queryResult);
    }

    private function entity(string $kind, object $fields): SoapVar
    {
        return new SoapVar((object) ((array) $fields + ['id' => 0]), SOAP_ENC_OBJECT, $kind, SPACE);
    }

    private function write(string $operation, string $kind, array $rows): array
    {
        $entities = array_map(fn ($fields) => $this->entity($kind, $fields), $rows);
        return answer($this->client->$operation(['Entities' => ['Entity' => $entities]])->{$operation . 'Result'});
    }

    public function create(string $kind, object ...$rows): array
    {
        return $this->write('create', $kind, $rows);
    }

    public function update(string $kind, object ...$rows): array
    {
        return $this->write('update', $kind, $rows);
    }

    public function delete(string $kind, object ...$rows): array
    {
        return $this->write('delete', $kind, $rows);
    }

    public function entities(): array
    {
        return ['names' => array_column($this->client->getEntityInfo()->GetEntityInfoResult->EntityInfo, 'Name')];
    }

    public function fields(string $kind): array
    {
        return ['names' => array_column($this->client->GetFieldInfo(['psObjectType' => $kind])->GetFieldInfoResult->Field, 'Name')];
    }

    public function attach(int $ticket, string $title, string $text): array
    {
        $info = $this->entity('AttachmentInfo', (object) ['ParentID' => $ticket, 'ParentType' => 4, 'Type' => 'FILE_ATTACHMENT',
            'Title' => $title, 'FullPath' => $title, 'Publish' => 1]);
        $made = $this->client->CreateAttachment(['attachment' => ['Data' => $text, 'Info' => $info]]);
        return ['id' => $made->CreateAttachmentResult];
    }

    public function attachment(int $number): array
    {
        $got = $this->client->GetAttachment(['attachmentId' => $number])->GetAttachmentResult;
        return ['title' => $got->Info->Title, 'text' => $got->Data];
    }

    public function detach(int $number): array
    {
        return ['said' => $this->client->DeleteAttachment(['attachmentId' => $number])->DeleteAttachmentResult ?? ''];
    }

    public function version(): array
    {
        return ['version' => $this->client->GetWsdlVersion()->GetWsdlVersionResult];
    }
}

function answer(object $response): array
{
    return [
        'returnCode' => $response->ReturnCode,
        'errors' => array_column($response->Errors->ATWSError ?? [], 'Message'),
        'entities' => array_map(
            fn ($e) => (object) array_filter(get_object_vars($e), fn ($v) => $v !== null && !is_object($v)),
            $response->EntityResults->Entity ?? []
        ),
        'infos' => array_map(
            fn ($i) => ['id' => $i->EntityId, 'action' => $i->DatabaseAction, 'message' => $i->Message ?? ''],
            $response->EntityReturnInfoResults->EntityReturnInfo ?? []
        ),
    ];
}

$steps = new Steps();
while (($line = fgets(STDIN)) !== false) {
    $arguments = json_decode($line);
    $step = array_shift($arguments);
    try {
        $told = ['ok' => $steps->$step(...$arguments)];
    } catch (SoapFault $e) {
        $told = ['error' => $e->getMessage(), 'kind' => 'SoapFault', 'code' => $e->faultcode];
    } catch (Throwable $e) {
        $told = ['error' => $e->getMessage(), 'kind' => get_class($e)];
    }
    echo json_encode($told), "\n";
}
