"""Words of questions that are no names: what they ask for, and what only holds them together. English and German."""

from __future__ import annotations


def words_of(text: str) -> frozenset[str]:
    """The words of a list that is written as text."""
    return frozenset(text.split())


STOP = words_of(
    """
    a an the this that these those it its is are was were be been being am do does did done has have had having
    i me my we us our you your he she they them their there here of in on at by for from to with without within
    into onto over under about around since until till before after between during while and or but not no nor
    than then so as if of off out up down again ever just also only even still yet very too any anything anybody
    anyone some something somebody someone every everything everybody all none each which what who whom whose
    when where why how please can could will would shall should may might must let let's s t re ve ll d m get
    got give gives show shows tell tells list lists see want need know look looks looking like one ones thing
    things way ways kind sort said say says come comes came der die das den dem des ein eine einen einem einer
    es ist sind war waren bin wird wurde wurden hat haben hatte hatten ich mir mich wir uns du er sie ihr im in
    am an auf bei von vom zu zum zur mit ohne für aus um und oder aber nicht kein keine was wer wen wem wie wo
    wann warum wieso weshalb welche welcher welches alle alles etwas irgendwas gab gibt bitte zeig zeige los
    sich denn mal noch gerade seit vor nach bis gegen zwischen während
    """
)
TALK = words_of(
    """
    status state health healthy overview ok okay fine alive running up down well doing going on happened
    happening happens happen went error errors fail fails failed failing failure failures broken break broke
    breaks wrong problem problems issue issues trouble crash crashed crashes crashing die died dies dead fire
    warning warnings critical change changed changes changing new newer different difference differences
    differently differ deploy deployed deployment update updated updates upgrade upgraded upgrades louder
    quieter quiet silent noisier noisy compare compared compares comparison versus vs often many much times time
    frequently count number cause caused causes reason root blame behind find search grep line lines log logs
    logging message messages mentioning contains containing event events incident incidents explain summarise
    summarize latest newest last first open closed machine machines node nodes host hosts service services
    server servers fleet system systems timeline story interesting walk through during night morning evening
    afternoon today yesterday week day hour hours minute minutes now currently normal slow reach fleet fehler
    kaputt ausgefallen ausfall problem probleme störung störungen vorfall vorfälle geändert neu neue neues
    anders oft viele häufig vergleiche vergleich unterschied erkläre ursache grund zeilen meldungen passiert
    passierte geht gegangen läuft ordnung heute gestern nacht morgen abend letzte letzten stunden rechner dienst
    dienste finde suche house large small back part role means
    """
)
COMMON = STOP | TALK
