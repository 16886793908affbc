package flow

// The examples of the documentation; a test compiles each of them.
const (
	sequentialExample = `id: load
type: io.kestra.plugin.core.flow.Sequential
tasks:
  - id: fetch
    type: io.kestra.plugin.core.http.Download
    uri: https://example.com/data.csv
  - id: count
    type: io.kestra.plugin.core.storage.Size
    uri: "{{ outputs.fetch.uri }}"
errors:
  - id: tell
    type: io.kestra.plugin.core.log.Log
    message: loading failed`

	allowFailureExample = `id: report
type: io.kestra.plugin.core.flow.AllowFailure
tasks:
  - id: send
    type: io.kestra.plugin.core.http.Request
    uri: https://example.com/report
    method: POST`

	parallelExample = `id: fetch
type: io.kestra.plugin.core.flow.Parallel
concurrent: 2
tasks:
  - id: orders
    type: io.kestra.plugin.core.http.Download
    uri: https://example.com/orders.csv
  - id: products
    type: io.kestra.plugin.core.http.Download
    uri: https://example.com/products.csv`

	dagExample = `id: steps
type: io.kestra.plugin.core.flow.Dag
tasks:
  - task:
      id: first
      type: io.kestra.plugin.core.debug.Return
      format: data
  - task:
      id: left
      type: io.kestra.plugin.core.log.Log
      message: left of {{ outputs.first.value }}
    dependsOn: [first]
  - task:
      id: right
      type: io.kestra.plugin.core.log.Log
      message: right of {{ outputs.first.value }}
    dependsOn: [first]`

	pauseExample = `id: approve
type: io.kestra.plugin.core.flow.Pause
pauseDuration: P1D
behavior: FAIL
onResume:
  - id: reason
    type: STRING
  - id: approved
    type: BOOLEAN
    defaults: true`

	ifExample = `id: check
type: io.kestra.plugin.core.flow.If
condition: "{{ inputs.count > 10 }}"
then:
  - id: many
    type: io.kestra.plugin.core.log.Log
    message: many
else:
  - id: few
    type: io.kestra.plugin.core.log.Log
    message: few`

	switchExample = `id: region
type: io.kestra.plugin.core.flow.Switch
value: "{{ inputs.region }}"
cases:
  EU:
    - id: eu
      type: io.kestra.plugin.core.log.Log
      message: Europe
defaults:
  - id: other
    type: io.kestra.plugin.core.log.Log
    message: elsewhere`

	forEachExample = `id: each
type: io.kestra.plugin.core.flow.ForEach
values: ["a", "b", "c", "d"]
concurrencyLimit: 3
tasks:
  - id: made
    type: io.kestra.plugin.core.debug.Return
    format: "{{ taskrun.value | upper }}"
  - id: tell
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.made[taskrun.value].value }}"`

	loopExample = `id: each
type: io.kestra.plugin.core.flow.Loop
values: "{{ range(1, 10) }}"
concurrencyLimit: 0
outputs:
  - id: double
    type: STRING
    value: "{{ outputs.made.value }}"
tasks:
  - id: made
    type: io.kestra.plugin.core.debug.Return
    format: "{{ (item.value | number) * 2 }}"`

	loopUntilExample = `id: wait
type: io.kestra.plugin.core.flow.LoopUntil
condition: "{{ outputs.ask.code == 200 }}"
checkFrequency:
  interval: PT10S
  maxDuration: PT1H
tasks:
  - id: ask
    type: io.kestra.plugin.core.http.Request
    uri: https://example.com/ready`

	forEachItemExample = `id: each
type: io.kestra.plugin.core.flow.ForEachItem
items: "{{ inputs.file }}"
batch:
  rows: 100
namespace: company.team
flowId: load
inputs:
  file: "{{ taskrun.items }}"`

	subflowExample = `id: load
type: io.kestra.plugin.core.flow.Subflow
namespace: company.team
flowId: load
inputs:
  day: "{{ execution.startDate | date('yyyy-MM-dd') }}"`

	labelsExample = `id: label
type: io.kestra.plugin.core.execution.Labels
labels:
  result: "{{ outputs.check.value }}"`

	setVariablesExample = `id: remember
type: io.kestra.plugin.core.execution.SetVariables
variables:
  total: "{{ outputs.count.value }}"`

	unsetVariablesExample = `id: forget
type: io.kestra.plugin.core.execution.UnsetVariables
variables: [total]
ignoreMissing: true`

	exitExample = `id: done
type: io.kestra.plugin.core.execution.Exit
runIf: "{{ outputs.count.value == 0 }}"
state: WARNING`
)
