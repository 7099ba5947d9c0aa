// The npm client @apigrate/autotask-restapi as it comes, at work through a gateway whose PSA password is changed meanwhile.
//
// It prints a line when the change may begin, works on until it is sent a line, and then prints what it did as JSON.
// What does not go as it should ends it with an error.
import { createInterface } from 'node:readline'
import apigrate from '@apigrate/autotask-restapi'

const api = new apigrate.AutotaskRestApi('apigrate@example.com', process.env.KEY, 'ANY-TRACKING-CODE', { base_url: process.env.BASE })
const done = { titles: [], pages: 0, walks: 0, zone: null }

const demand = (holds, what) => {
  if (!holds) throw new Error(what)
}

// The client has no paging of its own. Its _post, which all its calls go through, takes a path below its zone's base;
// so the next page's URL without that base is what it is given, and a URL that leads elsewhere is an error.
const follow = (url, search) => {
  const base = `${api.zoneInfo.url}V1.0`
  demand(url.startsWith(base), `the next page is not at the gateway: ${url}`)
  return api._post(url.slice(base.length), search)
}

async function walk(afterFirst = async () => {}) {
  const search = { filter: [{ op: 'beginsWith', field: 'title', value: 'Ticket ' }] }
  const seen = new Set()
  let page = await api.Tickets.query(search)
  await afterFirst()
  for (;;) {
    done.pages++
    page.items.forEach((ticket) => seen.add(ticket.id))
    if (!page.pageDetails.nextPageUrl) break
    page = await follow(page.pageDetails.nextPageUrl, search)
  }
  const { queryCount } = await api.Tickets.count(search)
  demand(seen.size === queryCount, `${seen.size} tickets on all pages, and ${queryCount} counted`)
  done.walks++
}

async function work(title) {
  const { itemId: id } = await api.Tickets.create({ companyID: 0, title, status: 1, priority: 1, queueID: 5 })
  done.titles.push(title)
  await api.Tickets.update({ id, description: `${title}, changed` })
  await api.TicketNotes.create(id, { title: 'note', description: `note of ${title}`, noteType: 1, publish: 1 })
  const data = Buffer.from(`file of ${title}`).toString('base64')
  const file = await api.TicketAttachments.create(id, { attachmentType: 'FILE_ATTACHMENT', title: 'f.txt', fullPath: 'f.txt', publish: 1, data })
  const { item: kept } = await api.TicketAttachments.get(id, file.itemId)
  demand(kept.data === data, `the file of ${title} came back as ${kept.data}`)
  const { item: ticket } = await api.Tickets.get(id)
  demand(ticket.description === `${title}, changed`, `${title} came back as ${JSON.stringify(ticket)}`)
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
let over = false

await walk(async () => {
  console.log('in the middle')
  await lines.next()
})
lines.next().then(() => { over = true })
const worker = async (name) => {
  for (let n = 0; !over; n++) await work(`${name} ${n}`)
}
const walker = async () => {
  while (!over) await walk()
}
await Promise.all([worker('first'), worker('second'), worker('third'), walker()])
done.zone = api.zoneInfo
console.log(JSON.stringify(done))
process.exit(0)
